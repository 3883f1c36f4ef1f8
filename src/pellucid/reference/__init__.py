"""The textbook: every layer, loss, initialiser and optimiser as its equation says, in NumPy alone.

Slow, short, exact. It is the oracle: engine kernels, torch layers and exported models are held to it, gradients too.
It refuses to be fast, to keep state behind the caller's back (optimisers and running statistics say what they keep),
and to know any network.

Order, stated once: values are (n, h, w, c), channels innermost, in one and three dimensions (n, w, c) and
(n, d, h, w, c); convolution weights are (oc, ic, kh, kw). A "convolution" is a correlation: the kernel is not flipped.
Types: what goes in as float64 is computed and comes out as float64.

Each layer `f` has functions beside it, one for each thing that a gradient can be taken of: `f_backward_data(dy, ...)`
for its input, `f_backward_weight` and `f_backward_bias` for its parameters. `dy` is the gradient of the loss with
respect to the output of `f`.

    window               where a sliding window lies: sizes, padding, taps; convolution and pooling stand on it
    convolution          convolution in 1D, 2D, 3D                                                      [A1]
    as_matrix            the same as one matrix product: im2col, the explicit Toeplitz matrix           [A2]
    transposed           transposed convolution                                                         [A3]
    dense                fully connected and locally connected layers                                   [A4]
    activations          step to SELU, and softmax                                                      [A5]
    pooling              max and mean over space and channels, unpooling                                [A6]
    adaptive_pooling     to a given size, and global                                                    [A6]
    resampling           nearest, bilinear, bicubic, area                                               [A7]
    rearranging          pixel shuffle, flatten, reorder, padding, cropping                             [A7]
    normalisation        batch, layer, instance, group; pixel and weight normalisation                  [A8]
    local_normalisation  local response, local contrast                                                 [A8]
    whitening            statistics of a data set, and data whitened by them                            [A8]
    dropout              in both of its equivalent forms                                                [A9]
    losses               with their reductions named                                                    [A10]
    initialisers         Gaussian, Xavier, Glorot, He, SIREN                                            [A12]
    moments              how mean and variance travel from layer to layer                               [A12]
    optimisers           gradient descent to AdamW                                                      [A13]
    predicted_kernels    a kernel of its own for every pixel                                            [D3]
"""
