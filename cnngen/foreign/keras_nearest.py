"""Layers of Keras that no op computes, and what may be done about each kind."""

from collections.abc import Mapping

ATTENTION = "attention is no op: what has it is no network of convolutions"
AUGMENTATION = (
    "it changes images in training only, which belongs to the data: build the model without it, and"
    " apply it to what the model is given"
)
NOISE = "it adds noise in training only, and nothing otherwise: leave it out, or use `Dropout`"
SEQUENCES = "it works on sequences, and all ops work on maps or vectors"
OTHER_DIMENSIONS = "maps have a height and a width here: no op works on lines or on volumes"
WRAPPER = "it is a layer around another one: write that layer by itself, if it computes the same"
WORDS = "it turns words or categories into numbers, which belongs to the data"

NEAREST: Mapping[str, str] = {
    name: help
    for help, names in (
        (ATTENTION, "Attention AdditiveAttention GroupedQueryAttention MultiHeadAttention"),
        (
            AUGMENTATION,
            "AugMix AutoContrast CutMix MixUp RandAugment RandomBrightness RandomColorDegeneration"
            " RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing"
            " RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert"
            " RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness"
            " RandomShear RandomTranslation RandomZoom Solarization",
        ),
        (NOISE, "GaussianDropout GaussianNoise"),
        (SEQUENCES, "Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU LSTM RNN SimpleRNN"),
        (SEQUENCES, "RepeatVector Masking"),
        (
            OTHER_DIMENSIONS,
            "AveragePooling1D AveragePooling3D Conv1D Conv1DTranspose Conv3D Conv3DTranspose"
            " Cropping1D Cropping3D DepthwiseConv1D GlobalAveragePooling1D GlobalAveragePooling3D"
            " GlobalMaxPooling1D GlobalMaxPooling3D MaxPooling1D MaxPooling3D SeparableConv1D"
            " SpatialDropout1D SpatialDropout3D UpSampling1D UpSampling3D ZeroPadding1D"
            " ZeroPadding3D",
        ),
        (WRAPPER, "SpectralNormalization TimeDistributed Wrapper"),
        (
            WORDS,
            "CategoryEncoding Discretization Embedding HashedCrossing Hashing IntegerLookup"
            " StringLookup TextVectorization",
        ),
    )
    for name in names.split()
}
