"""Networks that others have published, with the specs of ours that should equal them."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from cnngen.ops.base import Image


@dataclass(frozen=True)
class ForeignNetwork:
    """A model of another package and our spec for it.

    `arguments` are what the package's function is given. `changes` is the content of a spec that
    `extends` ours, where the two differ on purpose.
    `biases` means that their convolutions have biases before batch norms, where they have no
    effect. Those of Keras are compared on images of `side` x `side`, and may differ by `tolerance` in
    float64. The package of a detection network is `detectors`, that of one without a package
    `paper_networks`.
    """

    package: Literal["torchvision", "timm", "keras", "detectors", "paper_networks"]
    name: str
    spec: str
    changes: str = ""
    biases: bool = False
    side: int = 97
    tolerance: float = 1e-9
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.package}-{self.name}"

    def torch_model(self) -> Any:
        """The model with weights that are not drawn yet."""
        import torch

        try:
            with torch.device("meta"):  # drawing them takes long, and is done anyway
                model = self._made()
        except NotImplementedError:  # RegNet computes its widths with tensors
            model = self._made()
        model.to_empty(device="cpu")
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
        return model

    def _made(self) -> Any:
        if self.package in ("detectors", "paper_networks"):
            return getattr(import_module(f"support.{self.package}"), self.name)()
        if self.package == "timm":
            import timm

            return timm.create_model(self.name, pretrained=False)
        from torchvision import models

        return models.get_model(self.name, weights=None, **dict(self.arguments))

    def keras_model(self, input: Image) -> Any:
        from keras import applications

        size = (input.height, input.width, input.channels)
        make = getattr(applications, self.name)
        return make(weights=None, input_shape=size, classifier_activation=None)


SAME_NAMES = (
    *("alexnet", "vgg11", "vgg13", "vgg16", "vgg19"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("densenet121", "densenet161", "densenet169", "densenet201", "inception_v3"),
    *("wide_resnet50_2", "squeezenet1_0", "squeezenet1_1", "mnasnet1_0"),
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"efficientnet_b{n}" for n in range(8)),
    "efficientnet_v2_s",
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    *(f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")),
    *(f"regnet_x_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
    *(f"regnet_y_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
)
BACKBONE = ("weights_backbone", None)
TWO_HEADS = tuple(f"{name}_resnet{depth}" for name in ("fcn", "deeplabv3") for depth in (50, 101))
LRASPP = "lraspp_mobilenet_v3_large"
TORCH = {
    reference.spec: reference
    for reference in (
        *(ForeignNetwork("torchvision", name, name) for name in SAME_NAMES),
        *(
            ForeignNetwork("torchvision", name, name, arguments=(BACKBONE, ("aux_loss", True)))
            for name in TWO_HEADS
        ),
        ForeignNetwork("torchvision", LRASPP, LRASPP, arguments=(BACKBONE,)),
        ForeignNetwork("torchvision", "googlenet", "googlenet_bn"),
        ForeignNetwork("timm", "inception_v4", "inception_v4"),
        ForeignNetwork("timm", "cspdarknet53", "cspdarknet53"),
        ForeignNetwork("timm", "darknet53", "darknet53"),
        ForeignNetwork("timm", "ecaresnet50d", "ecaresnet50d"),
        ForeignNetwork("timm", "ghostnet_100", "ghostnet"),
        ForeignNetwork("timm", "hrnet_w18", "hrnet_w18"),
        ForeignNetwork("timm", "res2net50_26w_4s", "res2net50"),
        ForeignNetwork("timm", "skresnext50_32x4d", "sknet50"),
        ForeignNetwork("timm", "dpn68", "dpn68"),
        ForeignNetwork("timm", "repvgg_a0", "repvgg_a0"),
        ForeignNetwork("timm", "resnetv2_50x1_bit", "bit_r50x1"),
        ForeignNetwork("timm", "inception_resnet_v2", "inception_resnet_v2"),
        ForeignNetwork("timm", "legacy_seresnet50", "se_resnet50"),
        ForeignNetwork("timm", "legacy_seresnext50_32x4d", "se_resnext50_32x4d"),
        ForeignNetwork("detectors", "ssd", "ssd300_vgg16"),
        ForeignNetwork("detectors", "pyramid", "resnet50_fpn"),
        ForeignNetwork("detectors", "retinanet", "retinanet_resnet50_fpn"),
        ForeignNetwork("paper_networks", "generator", "dcgan_generator"),
        ForeignNetwork("paper_networks", "discriminator", "dcgan_discriminator"),
        ForeignNetwork("paper_networks", "ITracker", "itracker"),
        ForeignNetwork("paper_networks", "Siamese", "siamese_omniglot"),
        ForeignNetwork("paper_networks", "SppNet", "sppnet_zf5"),
        ForeignNetwork("paper_networks", "Vgg16Spp", "vgg16_spp"),
        ForeignNetwork("paper_networks", "NestedUnet", "unet_plus_plus"),
        ForeignNetwork("paper_networks", "TwoStream", "two_stream_ucf101"),
    )
}
EPS = "defaults: {batch_norm: {eps: 1.001e-5}}"  # cuDNN took no less than 1e-5
# Without the head that exists in training only, and averaging as TensorFlow does.
INCEPTION = """
defaults: {avg_pool: {count_include_pad: false}}
model: {aux: null}
outputs: {aux: null}
"""
FLAT = "model: {avgpool: flatten}"  # without pooling to the size that 224 x 224 leaves
KERAS = (
    ForeignNetwork("keras", "VGG16", "vgg16", FLAT),
    ForeignNetwork("keras", "VGG19", "vgg19", FLAT),
    ForeignNetwork("keras", "ResNet50", "resnet50_v1", EPS, biases=True),
    ForeignNetwork("keras", "DenseNet121", "densenet121", EPS),
    ForeignNetwork("keras", "DenseNet169", "densenet169", EPS),
    ForeignNetwork("keras", "DenseNet201", "densenet201", EPS),
    ForeignNetwork("keras", "InceptionV3", "inception_v3", INCEPTION),
    ForeignNetwork("keras", "InceptionResNetV2", "inception_resnet_v2"),
    ForeignNetwork("keras", "Xception", "xception"),
    ForeignNetwork(
        "keras", "EfficientNetB0", "efficientnet_b0_tf", tolerance=1e-6
    ),  # a factor in float32
    ForeignNetwork("keras", "NASNetMobile", "nasnet_mobile", side=64),
    ForeignNetwork("keras", "MobileNet", "mobilenet_v1", side=96),
    *(ForeignNetwork("keras", f"ResNet{n}V2", f"resnet{n}_v2") for n in (50, 101, 152)),
)
