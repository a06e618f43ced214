// What a step computes between its products.

// 1 / sqrt(mean(x^2) + eps)
static float norm_factor(const float *x, float eps, int64_t n) {
    lanes squares = v_zero(), more = v_zero();
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const lanes a = v_load(x + i), b = v_load(x + i + 16);
        squares = v_fma(a, a, squares);
        more = v_fma(b, b, more);
    }
    float sum = v_sum(v_add(squares, more));
    for (; i < n; i++) sum += x[i] * x[i];
    return 1.0f / sqrtf(sum / (float)n + eps);
}

static void silu_times(const float *gate, const float *up, float *out) {
    const lanes g = v_load(gate), negated = v_sub(v_zero(), g);
    v_store(out, v_mul(v_div(g, v_add(v_all(1.0f), v_exp(negated))), v_load(up)));
}
