"""What perspectives leave in a student's latent space: measures on hidden states, run by `offbook analyse-latent`.

    hidden_states, documents    what a model makes of rationales and of other texts, as mean-pooled states
    separability, pictures      can the perspective be told from the states; maps of them
    cka                         how much of the base model's structure a student keeps, layer by layer
    consistency                 whether perspectives lead to one answer
    session, tables, analysis   reading the states once, the tables made of them, the command

What MIND weighed over training is `preference.py`. The body of arXiv:2601.03717 is not at hand: the
authors report t-SNE maps and a Dirichlet-process mixture, the rest is ours.
"""
