"""What is made once and kept: corpus material, the target's answers, drafters, students."""
