"""Traps: where the frameworks differ, each as steps of a spec."""

CONVOLUTIONS = {
    # "same" of Keras pads (0, 1), not (1, 1), where the stride is 2 and the size even
    "half_with_stride": "conv: {out: 6, kernel: 3, stride: 2, padding: half}",
    "half_with_stride_and_a_large_kernel": "conv: {out: 6, kernel: 7, stride: 3, padding: half}",
    "half_of_an_even_kernel": "conv: {out: 6, kernel: 4, padding: half}",
    "half_of_a_pair": "conv: {out: 6, kernel: [1, 7], stride: [1, 2], padding: half}",
    "half_with_dilation": "conv: {out: 6, kernel: 3, dilation: 2, padding: half}",
    # PyTorch refuses "same" with a stride
    "same_with_stride": "conv: {out: 6, kernel: 3, stride: 2, padding: same}",
    "same_with_stride_and_an_even_kernel": "conv: {out: 6, kernel: 4, stride: 2, padding: same}",
    "same_with_an_even_kernel": "conv: {out: 6, kernel: [2, 4], padding: same}",
    "same_with_a_stride_beyond_the_kernel": "conv: {out: 6, kernel: 1, stride: 3, padding: same}",
    "same_with_unequal_strides": "conv: {out: 6, kernel: 5, stride: [1, 3], padding: same}",
    "same_with_dilation": "conv: {out: 6, kernel: 3, dilation: [2, 1], padding: same}",
    # sides are top, bottom, left, right here, left first in PyTorch, pairs in Keras
    "sides": "conv: {out: 6, kernel: 3, padding: [0, 1, 2, 3]}",
    "sides_with_stride": "conv: {out: 6, kernel: 3, stride: 2, padding: [1, 0, 0, 2]}",
    "padding_beyond_the_kernel": "conv: {out: 6, kernel: 1, padding: 2}",
    # Keras refuses both together
    "dilation_with_stride": "conv: {out: 6, kernel: 3, stride: 2, dilation: 2, padding: half}",
    "dilation_with_stride_and_same": "conv: {out: 6, kernel: 3, stride: 2, dilation: 2, padding: same}",
    "dilation_with_unequal_strides": "conv: {out: 6, kernel: 2, stride: [2, 1], dilation: 3, padding: 1}",
    # the order of channels
    "groups": "conv: {out: 6, kernel: 3, groups: 2, padding: half}",
    "groups_with_stride": "conv: {out: 8, kernel: 3, stride: 2, groups: 4, padding: half}",
    "standardized": "standardized_conv: {out: 6, kernel: 3, padding: half}",
    "standardized_by_much": "standardized_conv: {out: 6, kernel: 1, eps: 0.5, bias: false}",
    "standardized_with_stride": "standardized_conv: {out: 6, kernel: 3, stride: 2, padding: half, eps: 0.1}",
    "standardized_with_stride_and_same": "standardized_conv: {out: 6, kernel: 3, stride: 2, padding: same}",
    "standardized_with_sides": "standardized_conv: {out: 6, kernel: 3, padding: [0, 1, 2, 3], eps: 0.1}",
    "standardized_with_dilation_and_stride": "standardized_conv: {out: 6, kernel: 3, stride: 2, dilation: 2, padding: half}",
    "standardized_with_groups": "standardized_conv: {out: 6, kernel: 3, groups: 2, padding: half}",
    "standardized_with_a_group_for_each_channel": "standardized_conv: {out: 8, kernel: 3, groups: 4, padding: half}",
    "depthwise": "depthwise_conv: {kernel: 3, padding: half}",
    "depthwise_with_multiplier": "depthwise_conv: {kernel: 3, multiplier: 3, padding: half}",
    "depthwise_with_stride": "depthwise_conv: {kernel: 3, stride: 2, padding: half}",
    "depthwise_with_unequal_strides": "depthwise_conv: {kernel: 3, stride: [2, 1], padding: half}",
    "depthwise_with_unequal_strides_and_same": "depthwise_conv: {kernel: 3, stride: [1, 2], padding: same}",
    "depthwise_with_stride_and_same": "depthwise_conv: {kernel: 3, stride: 2, padding: same}",
    "depthwise_with_dilation_and_stride": "depthwise_conv: {kernel: 3, stride: 2, dilation: 2, padding: half}",
    "depthwise_with_sides": "depthwise_conv: {kernel: 3, stride: 2, padding: [0, 1, 0, 1], bias: false}",
    "separable": "separable_conv: {out: 6, kernel: 3, padding: half}",
    "separable_with_multiplier": "separable_conv: {out: 6, kernel: 3, multiplier: 2, padding: half, bias: false}",
    "separable_with_stride": "separable_conv: {out: 6, kernel: 3, stride: 2, padding: half}",
    "separable_with_stride_and_same": "separable_conv: {out: 6, kernel: 3, stride: 2, padding: same}",
    "separable_with_sides": "separable_conv: {out: 6, kernel: 3, padding: [1, 0, 1, 0]}",
    "separable_with_unequal_strides": "separable_conv: {out: 6, kernel: 3, stride: [1, 2], padding: half}",
    "separable_with_dilation": "separable_conv: {out: 6, kernel: 3, dilation: 2, padding: same}",
    # Keras crops the other side for `output_padding`
    "transposed": "transposed_conv: {out: 6, kernel: 2, stride: 2}",
    "transposed_with_padding": "transposed_conv: {out: 6, kernel: 4, stride: 2, padding: 1}",
    "transposed_with_output_padding": "transposed_conv: {out: 6, kernel: 3, stride: 2, padding: 1, output_padding: 1}",
    "transposed_with_much_output_padding": "transposed_conv: {out: 6, kernel: 5, stride: 3, output_padding: 2}",
    "transposed_with_a_stride_beyond_the_kernel": "transposed_conv: {out: 6, kernel: 2, stride: 3}",
    "transposed_with_such_a_stride_and_more": "transposed_conv: {out: 6, kernel: 1, stride: 3, output_padding: 1}",
    "transposed_without_stride": "transposed_conv: {out: 6, kernel: 3, padding: 1, bias: false}",
    # half of what is too much is taken from each end, an odd row from the last
    "transposed_with_same": "transposed_conv: {out: 6, kernel: 4, stride: 2, padding: same}",
    "transposed_with_same_and_an_odd_rest": "transposed_conv: {out: 6, kernel: 3, stride: 2, padding: same}",
    "transposed_with_same_and_pairs": "transposed_conv: {out: 6, kernel: [5, 1], stride: [2, 3], padding: same}",
    "transposed_with_same_and_a_stride_beyond_the_kernel": "transposed_conv: {out: 6, kernel: 1, stride: [3, 2], padding: same}",
    "transposed_with_same_and_init": "transposed_conv: {out: 6, kernel: 3, stride: 2, padding: same, init: ones}",
    "transposed_with_pairs": "transposed_conv: {out: 6, kernel: [3, 4], stride: [2, 3], padding: [1, 0], output_padding: [0, 1]}",
}

POOLS = {
    # the border never wins, though all values are negative
    "max_with_padding": "max_pool: {kernel: 3, stride: 2, padding: half}",
    "max_with_stride_1": "max_pool: {kernel: 3, stride: 1, padding: half}",
    "max_with_same": "max_pool: {kernel: 3, stride: 2, padding: same}",
    "max_with_same_and_an_even_kernel": "max_pool: {kernel: 2, stride: 1, padding: same}",
    "max_with_ceil": "max_pool: {kernel: 3, stride: 2, ceil: true}",
    "max_with_ceil_and_padding": "max_pool: {kernel: 4, stride: 3, padding: 1, ceil: true}",
    "max_with_ceil_and_pairs": "max_pool: {kernel: [3, 2], stride: [2, 1], padding: [1, 0], ceil: true}",
    "max_with_ceil_and_a_stride_beyond_the_kernel": "max_pool: {kernel: 2, stride: 3, ceil: true}",
    "max_with_such_a_stride_and_padding": "max_pool: {kernel: [3, 2], stride: [3, 4], padding: 1, ceil: true}",
    "max_of_each_third_pixel": "max_pool: {kernel: 1, stride: 3, ceil: true}",
    "max_with_sides": "max_pool: {kernel: 3, stride: 2, padding: [0, 1, 1, 0]}",
    "max_with_sides_and_ceil": "max_pool: {kernel: 3, stride: 2, padding: [0, 1, 1, 0], ceil: true}",
    # what counts in an average
    "avg": "avg_pool: {kernel: 3, stride: 2}",
    "avg_with_padding": "avg_pool: {kernel: 3, stride: 2, padding: half}",
    "avg_without_border": "avg_pool: {kernel: 3, stride: 2, padding: half, count_include_pad: false}",
    "avg_without_border_at_stride_1": "avg_pool: {kernel: 3, stride: 1, padding: half, count_include_pad: false}",
    "avg_with_border_at_stride_1": "avg_pool: {kernel: 3, stride: 1, padding: half}",
    "avg_with_same": "avg_pool: {kernel: 3, stride: 2, padding: same}",
    "avg_with_same_and_an_even_kernel": "avg_pool: {kernel: 2, stride: 1, padding: same}",
    "avg_with_same_and_pairs": "avg_pool: {kernel: [2, 3], stride: [2, 1], padding: same}",
    "avg_with_ceil": "avg_pool: {kernel: 3, stride: 2, ceil: true}",
    "avg_with_ceil_and_border": "avg_pool: {kernel: 3, stride: 2, padding: 1, ceil: true}",
    "avg_with_ceil_without_border": "avg_pool: {kernel: 3, stride: 2, padding: 1, ceil: true, count_include_pad: false}",
    "avg_with_ceil_and_a_stride_beyond_the_kernel": "avg_pool: {kernel: 2, stride: 3, ceil: true}",
    "avg_with_such_a_stride_and_padding": "avg_pool: {kernel: [3, 2], stride: [3, 4], padding: 1, ceil: true}",
    "avg_with_such_a_stride_and_no_border": "avg_pool: {kernel: 2, stride: 4, padding: 1, ceil: true, count_include_pad: false}",
    "avg_with_sides": "avg_pool: {kernel: 3, stride: 2, padding: [0, 1, 1, 0]}",
    "avg_with_sides_without_border": "avg_pool: {kernel: 3, stride: 2, padding: [0, 1, 1, 0], count_include_pad: false}",
    "avg_with_sides_and_ceil": "avg_pool: {kernel: 3, stride: 2, padding: [0, 1, 1, 0], ceil: true}",
    "blur": "blur_pool",
    "blur_with_zeros": "blur_pool: {kernel: 5, stride: 3, border: zeros}",
    "blur_of_an_even_kernel": "blur_pool: {kernel: 4}",
    "blur_without_stride": "blur_pool: {kernel: 2, stride: 1}",
    "adaptive_avg": "adaptive_avg_pool: {size: [4, 3]}",
    "adaptive_avg_to_more": "adaptive_avg_pool: {size: 11}",
    "adaptive_max": "adaptive_max_pool: {size: [3, 5]}",
    "adaptive_max_to_one": "adaptive_max_pool: {size: 1}",
    "global_avg": "global_avg_pool",
    "global_max": "global_max_pool",
    "channel_mean": "channel_mean",
    "channel_max": "channel_max",
}

OTHERS = {
    "batch_norm": "batch_norm: {eps: 0.3, momentum: 0.2}",
    "batch_norm_without_affine": "batch_norm: {affine: false}",
    "affine": "affine",
    "affine_without_shift": "affine: {shift: false}",
    "affine_without_shift_by_a_condition": "affine: {shift: 1 > 2}",
    "affine_with_and_without_shift": "[affine: {shift: false}, affine]",
    "batch_norm_that_forgets": "batch_norm: {momentum: 1}",
    "layer_norm": "layer_norm: {eps: 0.2}",
    "layer_norm_without_affine": "layer_norm: {affine: false}",
    "group_norm": "group_norm: {groups: 2, eps: 0.1}",
    "group_norm_of_each_channel": "group_norm: {groups: 4, affine: false}",
    "instance_norm": "instance_norm",
    "instance_norm_with_affine": "instance_norm: {affine: true, eps: 0.1}",
    "standardize": "standardize",
    "l2_norm": "l2_norm",
    "l2_norm_of_zeros": "[{scale: {by: 0}}, l2_norm: {eps: 0.1}]",
    "l2_norm_with_a_large_eps": "l2_norm: {eps: 1.5}",
    "response_norm": "local_response_norm: {size: 3, alpha: 0.7, beta: 0.6, k: 2}",
    "response_norm_of_an_even_size": "local_response_norm: {size: 4, alpha: 0.7}",
    "response_norm_beyond_the_channels": "local_response_norm: {size: 11, alpha: 0.7}",
    "response_norm_of_a_thousand_channels": "local_response_norm: {size: 1000, alpha: 300}",
    "abs": "abs",
    "leaky_relu": "leaky_relu: {slope: 0.2}",
    "leaky_relu_as_it_is": "leaky_relu",
    "elu": "elu: {alpha: 0.5}",
    "selu": "selu",
    "gelu": "gelu",
    "gelu_by_tanh": "gelu: {approximate: true}",
    "prelu": "prelu",
    "prelu_with_one_slope": "prelu: {shared: true}",
    "relu6": "[{scale: {by: 9}}, relu6]",
    "hard_swish": "[{scale: {by: 4}}, hard_swish]",
    "hard_sigmoid": "[{scale: {by: 4}}, hard_sigmoid]",
    "hard_tanh": "[{scale: {by: 2}}, hard_tanh]",
    "silu": "silu",
    "softplus": "softplus",
    "mish": "[{scale: {by: 4}}, mish]",
    "softmax": "softmax",
    "log_softmax": "[{scale: {by: 30}}, log_softmax]",
    "max_with_ceil_of_both_kinds": "[{max_pool: {kernel: 3, stride: 2, ceil: true}}, {max_pool: {kernel: 1, stride: 2, ceil: true}}]",
    "nearest": "upsample: {scale: 3}",
    "bilinear": "upsample: {scale: [2, 3], mode: bilinear}",
    "bilinear_with_corners": "upsample: {scale: 2, mode: bilinear, align_corners: true}",
    "bilinear_with_corners_of_pairs": "upsample: {scale: [3, 1], mode: bilinear, align_corners: true}",
    "bilinear_with_corners_of_a_pixel": "[global_avg_pool, {upsample: {scale: 3, mode: bilinear, align_corners: true}}]",
    "alpha_dropout": "[selu, {alpha_dropout: {rate: 0.3}}]",
    "pixel_shuffle": "pixel_shuffle: {factor: 2}",
    "pixel_unshuffle": "[{adaptive_avg_pool: {size: 6}}, {pixel_unshuffle: {factor: 3}}]",
    "channel_shuffle": "channel_shuffle: {groups: 2}",
    "channel_shuffle_into_groups": "[{conv: {out: 6, kernel: 1}}, {channel_shuffle: {groups: 3}}]",
    "group_softmax": "[{scale: {by: 3}}, group_softmax: {groups: 2}]",
    "group_softmax_of_each_channel": "group_softmax: {groups: 4}",
    "group_sum": "group_sum: {groups: 2}",
    "group_sum_of_all_channels": "[{group_sum: {groups: 4}}, {group_sum: {groups: 1}}]",
    "pad_channels": "pad_channels: {before: 1, after: 2}",
    "gather_channels": "gather_channels: {channels: [3, 0, 0, 2, 0]}",
    "gather_equal_channels": "gather_channels: {channels: [1, 1]}",  # a pair is no size here
    "gather_channels_for_groups": "[{gather_channels: {channels: [0, 1, 1, 2]}}, {conv: {out: 2, kernel: 3, groups: 2}}]",
    "slice_channels": "slice_channels: {start: 1, stop: 3}",
    "zero_pad": "zero_pad: {padding: [0, 1, 2, 3]}",
    "crop": "crop: {padding: [0, 1, 2, 3]}",
    "scale": "scale: {by: -0.17}",
}

VECTORS = {
    "flatten": "[flatten, {linear: {out: 5}}]",
    "flatten_at_the_end": "flatten",
    "flatten_after_a_global_pool": "[global_avg_pool, flatten, {linear: {out: 5, bias: false}}]",
    "flatten_and_layers_of_features": "[flatten, batch_norm, prelu, layer_norm, {dropout: {rate: 0.5}}, {linear: {out: 5}}]",
    "l2_norm_of_features": "[flatten, l2_norm, {linear: {out: 5}}]",
    "affine_of_features": "[flatten, affine, {linear: {out: 5}}]",
    "affine_of_features_without_shift": "[flatten, affine: {shift: false}, {linear: {out: 5}}]",
    "standardize_features": "[flatten, standardize, {linear: {out: 5}}]",
    "rbf": "[flatten, {linear: {out: 6}}, tanh, {rbf: {codes: [[4, 1], [0, 7], [3, 3], [5, 2]], bits: 3}}, {linear: {out: 2}}]",
    "rbf_of_equal_rows": "[flatten, {linear: {out: 3}}, {rbf: {codes: [[1], [1]], bits: 3}}]",
    "prelu_of_features_with_one_slope": "[flatten, {prelu: {shared: true}}]",
    "softmax_of_features": "[flatten, softmax]",
    "log_softmax_of_features": "[flatten, log_softmax]",
    "concat_of_flattened": """
        - branches:
            first: [{max_pool: {kernel: 2}}, flatten]
            second: [{conv: {out: 3, kernel: 3}}, flatten]
            third: [global_avg_pool, flatten]
          join: concat
        - linear: {out: 5}
        """,
    "multiply_of_features": """
        - flatten
        - branches: {gate: [{linear: {out: 6}}, sigmoid], value: {linear: {out: 6}}}
          join: multiply
        """,
    "reshape_of_maps": "[global_avg_pool, {reshape: {channels: 1, height: 1, width: 4}}, {conv: {out: 1, kernel: [1, 3], padding: half}}, {reshape: {channels: 4, height: 1, width: 1}}, {conv: {out: 3, kernel: 1}}]",
    "reshape_of_one_map": "[{adaptive_avg_pool: {size: [3, 2]}}, channel_mean, {reshape: {channels: 2, height: 3, width: 1}}, {conv: {out: 3, kernel: 1}}]",
    "reshape_of_a_flattened_map": "[{adaptive_avg_pool: {size: [3, 2]}}, channel_max, flatten, {reshape: {channels: 2, height: 1, width: 3}}, {conv: {out: 3, kernel: [1, 2]}}]",
    "reshape": "[flatten, {linear: {out: 24}}, {reshape: {channels: 4, height: 2, width: 3}}, {conv: {out: 3, kernel: 2}}]",
}

JOINS = {
    "gate": """
        - branches:
            value: {conv: {out: 5, kernel: 1}}
            gate: [global_avg_pool, {conv: {out: 5, kernel: 1}}, sigmoid]
          join: multiply
        """,
    "gate_first": """
        - branches:
            gate: [global_max_pool, {conv: {out: 4, kernel: 1}}, hard_sigmoid]
            value: identity
          join: multiply
        """,
    "gate_of_positions": """
        - branches:
            value: {conv: {out: 5, kernel: 1}}
            gate: [channel_mean, {conv: {out: 1, kernel: 3, padding: half}}, sigmoid]
          join: multiply
        - conv: {out: 2, kernel: 1}
        """,
    "gates_of_both_kinds": """
        - branches:
            positions: [channel_max, sigmoid]
            channels: [global_avg_pool, {conv: {out: 4, kernel: 1}}, sigmoid]
            value: identity
          join: multiply
        - conv: {out: 2, kernel: 1}
        """,
    "gates_alone": """
        - branches: {positions: channel_mean, channels: [global_avg_pool, {conv: {out: 6, kernel: 1}}]}
          join: multiply
        - conv: {out: 2, kernel: 1}
        """,
    "shares_of_branches": """
        - branches: {near: {conv: {out: 3, kernel: 1}}, far: {conv: {out: 3, kernel: 3, padding: half}}}
          join: concat
        - relu
        - branches:
            both: identity
            shares:
              - group_sum: {groups: 2}
              - global_avg_pool
              - conv: {out: 6, kernel: 1}
              - group_softmax: {groups: 2}
          join: multiply
        - group_sum: {groups: 2}
        """,
    "subtract": """
        - branches: {a: {conv: {out: 3, kernel: 1}}, b: {conv: {out: 3, kernel: 1}}}
          join: subtract
        """,
    # only what the first branch gives may be overwritten
    "subtract_what_was_made": """
        Less:
          about: The second branch is free, the first is not.
          body:
            - {conv: {out: 3, kernel: 1}, name: wide}
            - branches: {kept: {from: wide}, made: {conv: {out: 3, kernel: 1}}}
              join: subtract
            - branches: {again: {conv: {out: 3, kernel: 1}}, wide_again: {from: wide}}
              join: subtract
        ===
        Less
        """,
    "mean_of_three": """
        - branches: {a: {conv: {out: 3, kernel: 1}}, b: {conv: {out: 3, kernel: 1}}, c: {conv: {out: 3, kernel: 1}}}
          join: mean
        """,
    "max_of_three": """
        - branches: {a: {conv: {out: 3, kernel: 1}}, b: {conv: {out: 3, kernel: 1}}, c: {conv: {out: 3, kernel: 1}}}
          join: max
        """,
    "concat_in_a_chain": """
        - conv: {out: 3, kernel: 1}
        - branches: {a: {conv: {out: 3, kernel: 1}}, b: identity}
          join: concat
        - conv: {out: 2, kernel: 1}
        """,
    # a ReLU in place would change what the other branch reads
    "relu_beside_a_skip": """
        - conv: {out: 3, kernel: 1}
        - branches: {skip: identity, main: [relu, {conv: {out: 3, kernel: 1}}]}
          join: add
        """,
    "relu_beside_a_name": """
        Skip:
          about: What ReLU read is read again
          body:
            - {conv: {out: 3, kernel: 3, padding: half}, name: wide}
            - relu
            - conv: {out: 3, kernel: 1}
            - branches: {main: relu6, skip: {from: wide}}
              join: add
        ===
        Skip
        """,
}

BLOCKS = {
    "conv": """
        Conv:
          about: A convolution
          params: {out: int, kernel: int, stride: 1, dilation: 1, groups: 1}
          body:
            conv: {out: out, kernel: kernel, stride: stride, dilation: dilation, groups: groups, padding: half}
        ===
        - Conv: {out: 6, kernel: 3, stride: 2}
        - Conv: {out: 6, kernel: 3, dilation: 2, groups: 2}
        - Conv: {out: 4, kernel: 5, stride: 2, dilation: 2}
        - Conv: {out: 4, kernel: 2}
        """,
    "same_conv": """
        Conv:
          about: A convolution
          params: {kernel: int, stride: 1, dilation: 1, bias: true}
          body:
            conv: {out: 6, kernel: kernel, stride: stride, dilation: dilation, bias: bias, padding: same}
        ===
        - Conv: {kernel: 3, stride: 2}
        - Conv: {kernel: 4, dilation: 2, bias: false}
        - Conv: {kernel: 3, stride: 2, dilation: 2}
        """,
    "pairs": """
        Conv:
          about: A convolution
          params: {kernel: size, stride: size, dilation: size}
          body:
            conv: {out: 6, kernel: kernel, stride: stride, dilation: dilation, padding: half}
        ===
        - Conv: {kernel: [3, 5], stride: [1, 2], dilation: 1}
        - Conv: {kernel: 3, stride: 1, dilation: [2, 1]}
        - Conv: {kernel: [3, 1], stride: 2, dilation: 2}
        """,
    "depthwise_conv": """
        Depthwise:
          about: A convolution of each channel
          params: {kernel: int, stride: 1, multiplier: 1, pad: 0}
          body:
            depthwise_conv: {kernel: kernel, stride: stride, multiplier: multiplier, padding: pad}
        ===
        - Depthwise: {kernel: 3, stride: 2, pad: 1}
        - Depthwise: {kernel: 3, multiplier: 2, pad: 1}
        - Depthwise: {kernel: 2, pad: 1}
        """,
    "separable_conv": """
        Separable:
          about: A separable convolution
          params: {kernel: size, stride: size, dilation: 1}
          body:
            separable_conv: {out: 5, kernel: kernel, stride: stride, dilation: dilation, padding: half}
        ===
        - Separable: {kernel: 3, stride: [2, 1]}
        - Separable: {kernel: [3, 1], stride: 1, dilation: 2}
        - Separable: {kernel: 3, stride: 2}
        """,
    "transposed_conv": """
        Transposed:
          about: A transposed convolution
          params: {kernel: int, stride: 1, pad: 0, more: 0}
          body:
            transposed_conv: {out: 5, kernel: kernel, stride: stride, padding: pad, output_padding: more}
        ===
        - Transposed: {kernel: 3, stride: 2, pad: 1, more: 1}
        - Transposed: {kernel: 3, pad: 1}
        - Transposed: {kernel: 2, stride: 3, more: 2}
        """,
    "pools": """
        Pool:
          about: Two pools side by side
          params: {kernel: int, stride: 1, up: false, counted: true}
          body:
            branches:
              first: {max_pool: {kernel: kernel, stride: stride, padding: half, ceil: up}}
              second:
                avg_pool: {kernel: kernel, stride: stride, padding: half, ceil: up, count_include_pad: counted}
            join: add
        ===
        - Pool: {kernel: 3}
        - Pool: {kernel: 3, stride: 2, counted: false}
        - Pool: {kernel: 3, stride: 2, up: true}
        - Pool: {kernel: 4, stride: 2, up: true, counted: false}
        """,
    # which branch is the gate depends on the use; in one, none is
    "gates": """
        Gate:
          about: A product in which channels differ
          params: {left: int, right: int}
          body:
            - branches:
                left: [{conv: {out: left, kernel: 1}}, sigmoid]
                right: {conv: {out: right, kernel: 1}}
              join: multiply
            - conv: {out: 3, kernel: 1}
        ===
        - Gate: {left: 1, right: 6}
        - Gate: {left: 4, right: 1}
        - Gate: {left: 2, right: 2}
        """,
    "gates_on_one_side": """
        Gate:
          about: A gate with one channel, or with all
          params: {gates: 1}
          body:
            - branches:
                gate: [{conv: {out: gates, kernel: 1}}, sigmoid]
                maps: identity
              join: multiply
            - conv: {out: 4, kernel: 1}
        ===
        - Gate
        - Gate: {gates: 4}
        """,
    "norms": """
        Norm:
          about: Several norms in a row
          params: {eps: 1e-5, momentum: 0.1, affine: true, groups: 1}
          body:
            - batch_norm: {eps: eps, momentum: momentum, affine: affine}
            - group_norm: {groups: groups, eps: eps, affine: affine}
            - instance_norm: {eps: eps, affine: affine}
            - layer_norm: {eps: eps, affine: affine}
        ===
        - Norm: {eps: 0.1, momentum: 0.3}
        - Norm: {affine: false, groups: 2}
        - Norm: {momentum: 1e-2}
        """,
    "affine": """
        Scale:
          about: A scale, and perhaps a shift
          params: {shift: true}
          body: {affine: {shift: shift}}
        ===
        - Scale
        - Scale: {shift: false}
        - {conv: {out: 3, kernel: 1}}
        - flatten
        - affine: {shift: false}
        """,
    "corners": """
        Up:
          about: Interpolation of either kind
          params: {corners: false}
          body: {upsample: {scale: 2, mode: bilinear, align_corners: corners}}
        ===
        - Up
        - Up: {corners: true}
        """,
    "resized": """
        Back:
          about: Smaller maps, and as large as before
          params: {corners: false, smooth: true}
          body:
            - conv: {out: 5, kernel: 3, stride: 2}
            - branches:
                either: {resize: {like: input, mode: bilinear if smooth else nearest}}
                corners: {resize: {like: input, mode: bilinear, align_corners: corners}}
                given: {from: input}
              join: concat
        ===
        - Back
        - Back: {corners: true}
        - Back: {smooth: false}
        """,
    "activations": """
        Active:
          about: Several activations in a row
          params: {slope: 0.1, shared: false, close: false, by: 2}
          body:
            - leaky_relu: {slope: slope}
            - prelu: {shared: shared, start: slope}
            - gelu: {approximate: close}
            - elu: {alpha: slope + 1}
            - scale: {by: by}
            - local_response_norm: {size: 2 * by + 1, alpha: slope}
        ===
        - Active
        - Active: {slope: 0.3, shared: true, close: true, by: 1}
        """,
}
