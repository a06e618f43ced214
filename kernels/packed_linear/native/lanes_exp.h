// exp of sixteen floats, within two units in the last place; NaN stays NaN, too large is infinite, too small is 0.
// Range reduction and polynomial are those of Cephes' expf.
static inline lanes v_exp(lanes x) {
    // In this order the minimum and maximum hand a NaN through.
    x = v_min(v_all(89.0f), v_max(v_all(-104.0f), x));
    const lanes n = v_round(v_mul(x, v_all(1.44269504088896341f)));
    lanes r = v_fma(n, v_all(-0.693359375f), x);
    r = v_fma(n, v_all(2.12194440e-4f), r);
    lanes p = v_all(1.9875691500e-4f);
    p = v_fma(p, r, v_all(1.3981999507e-3f));
    p = v_fma(p, r, v_all(8.3334519073e-3f));
    p = v_fma(p, r, v_all(4.1665795894e-2f));
    p = v_fma(p, r, v_all(1.6666665459e-1f));
    p = v_fma(p, r, v_all(5.0000001201e-1f));
    p = v_fma(v_mul(r, r), p, v_add(r, v_all(1.0f)));
    return v_scale(p, n);
}
