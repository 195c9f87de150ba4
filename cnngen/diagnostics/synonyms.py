"""Synonyms: what frameworks, papers and other languages call an op, an attribute or a key.

Words are compared in lower case and without underscores. A synonym is only suggested; what can be
translated with certainty is in `vocabulary`.
"""

from collections.abc import Container, Mapping

from cnngen.diagnostics.suggest import plain


def _table(**words: str) -> dict[str, str]:
    return {other: word for word, others in words.items() for other in others.split()}


OPS = _table(
    conv="conv2d convolution convolution2d",
    standardized_conv="stdconv stdconv2d wsconv wsconv2d weightstandardization",
    depthwise_conv="depthwiseconv2d depthwise dwconv",
    separable_conv="separableconv2d sepconv",
    transposed_conv="convtranspose convtranspose2d conv2dtranspose deconv deconvolution upconv",
    linear="dense fc fullyconnected innerproduct",
    batch_norm="bn batchnorm2d batchnormalization",
    layer_norm="ln layernorm2d layernormalization",
    group_norm="gn groupnormalization",
    l2_norm="l2normalize l2normalization normalize unitnorm",
    instance_norm="instancenorm2d instancenormalization",
    affine="layerscale scaleshift",
    standardize="standardization zscore whiten",
    local_response_norm="lrn localresponsenormalization",
    max_pool="maxpool2d maxpooling maxpooling2d",
    avg_pool="avgpool2d averagepool averagepooling averagepooling2d meanpool",
    blur_pool="blurpool2d antialias antialiasing lowpass",
    global_avg_pool="gap globalavgpool2d globalaveragepooling globalaveragepooling2d",
    global_max_pool="gmp globalmaxpool2d globalmaxpooling globalmaxpooling2d",
    channel_mean="channelavgpool channelavg channelaverage",
    channel_max="channelmaxpool",
    adaptive_avg_pool="adaptiveavgpool2d",
    adaptive_max_pool="adaptivemaxpool2d",
    abs="absolute absolutevalue",
    leaky_relu="lrelu",
    silu="swish",
    hard_swish="hswish",
    hard_sigmoid="hsigmoid",
    hard_tanh="htanh",
    group_softmax="radixsoftmax rsoftmax",
    channel_dropout="dropout2d spatialdropout spatialdropout2d",
    drop_path="stochasticdepth",
    upsample="upsampling2d",
    resize="interpolate resizelike",
    zero_pad="pad zeropad2d zeropadding zeropadding2d",
    crop="cropping2d",
    pixel_shuffle="depthtospace",
    pixel_unshuffle="spacetodepth",
    concat="cat concatenate concatenation",
    add="sum plus",
    subtract="sub minus difference",
    multiply="mul product",
    mean="average avg",
    max="maximum",
    gather_channels="gather take indexselect",
    rbf="radialbasis radialbasisfunction euclideanrbf",
    identity="noop passthrough skip",
)

ATTRIBUTES = _table(
    out="filters features units outchannels outfeatures outplanes channels numoutput",
    kernel="kernelsize ksize poolsize filtersize filtsize window windowsize size",
    padding="pad",
    dilation="dilationrate dilate",
    groups="numgroups",
    bias="usebias",
    init="initializer kernelinitializer weightinit",
    eps="epsilon",
    rate="p prob dropprob droprate",
    slope="alpha negativeslope",
    scale="factor scalefactor",
    factor="scale upscalefactor",
    ceil="ceilmode",
    multiplier="depthmultiplier",
    size="outputsize",
    shift="center offset",
)

# What frameworks have to be told and cnngen finds out, in the spelling of `translate`.
INFERRED = (
    *("inchannels", "infeatures", "inplanes", "numfeatures", "numchannels"),
    *("inputshape", "inplace"),
)

FORM_KEYS = _table(
    do="then body steps",
    join="merge",
    repeat="times loop",
    each="foreach forall iterate",
    **{"else": "otherwise orelse"},
)

# What a list of steps is called elsewhere.
ROWS = _table(
    branches="residual res skip shortcut residualblock resblock skipconnection",
    steps="sequential seq sequence chain layers steps stack body block group modulelist",
)

TYPES = _table(int="integer", float="number real double", bool="boolean")

DISTRIBUTIONS = _table(
    he_normal="kaimingnormal kaiming he msra",
    he_uniform="kaiminguniform",
    xavier_normal="glorotnormal",
    xavier_uniform="glorotuniform glorot xavier",
    trunc_normal="truncatednormal truncnormal",
    normal="gaussian randomnormal",
    uniform="randomuniform",
    zeros="zero",
    ones="one",
    std="stddev sigma",
)


def translate(word: str, table: Mapping[str, str], known: Container[str]) -> str | None:
    """What a word of another framework is called here, where it can stand at that place."""
    translated = table.get(plain(word), word)
    return translated if translated in known else None


def is_inferred(word: str) -> bool:
    """Whether a word stands for something that a framework has to be told, and cnngen finds out."""
    return plain(word) in INFERRED
