"""Random ops for random specs, with attributes that fit the tensor that they are applied to."""

from collections.abc import Callable
from dataclasses import replace

from support.random_expressions import Expressions, Place, Running, Tree

Steps = list[Tree]
Drawn = tuple[Steps, Running]

ACTIVATIONS = [
    *(
        "relu",
        "relu",
        "relu6",
        "abs",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "hard_swish",
    ),
    *("hard_sigmoid", "hard_tanh", "softplus", "mish", "softmax", "log_softmax", "prelu"),
]


class Ops(Expressions):
    """Draws one op, or a few that belong together."""

    def op(self, x: Running, place: Place, keep: bool) -> Drawn:
        kinds: list[Callable[[Running, Place], Drawn]]
        if not x.image:
            kinds = (
                [self.linear] * 4
                + [self.pointwise] * 3
                + [self.norm, self.distances]
                + [self.reshape] * (not keep)
            )
        elif keep or self.maybe(0.6):
            kinds = [self.conv] * 6 + [self.pointwise] * 3 + [self.norm] * 2
            kinds += [
                self.depthwise,
                self.separable,
                self.pool,
                self.transposed,
                self.reordered,
                self.paired,
                self.lrn,
                self.over_channels,
            ]
        else:
            kinds = [self.strided_conv] * 3 + [self.strided_pool] * 3 + [self.flatten]
            kinds += [
                self.adaptive,
                self.enlarged,
                self.bordered,
                self.strided_depthwise,
                self.shuffled,
            ]
        return self.random.choice(kinds)(x, place)

    # --- keep the size -------------------------------------------------------------------------------------------

    def conv(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        attributes: Tree = {"out": out, **self.window(place), **self.weights(place)}
        if x.aligned and self.maybe(0.2):
            attributes["groups"] = self.pick(2, 4)
        elif x.aligned and x.channels and self.maybe(0.2):
            attributes |= {"out": x.channels, "groups": x.channels}
        if self.maybe(0.1):
            attributes |= {
                "kernel": 3,
                "dilation": self.pick(2, [1, 2]),
                "padding": self.pick("half", "same"),
            }
        kind = "conv"
        if attributes["kernel"] == 3 and self.maybe(0.2):
            kind = "standardized_conv"
            attributes |= {"eps": self.rate(place)} if self.maybe(0.5) else {}
        return [{kind: attributes}], replace(x, aligned=True, channels=attributes["out"])

    def window(self, place: Place) -> Tree:
        """A kernel with a padding that keeps the size."""
        return self.pick(
            {"kernel": self.kernel(place), "padding": self.pick("half", "half", "same")},
            {"kernel": self.kernel(place), "padding": self.chosen("half", "same", place)},
            {"kernel": 3, "padding": self.chosen("half", "1", place)},
            *({"kernel": 1}, {"kernel": 3, "padding": 1}, {"kernel": [1, 3], "padding": [0, 1]}),
            {"kernel": 3, "padding": [1, 1, 1, 1]},
            *({"kernel": 2, "padding": "same"}, {"kernel": 2, "padding": [0, 1, 1, 0]}),
        )

    def chosen(self, a: str, b: str, place: Place) -> str:
        """One of two words, as a condition decides."""
        return self.pick(a, b, f"{a} if {self.flag(place)} else {b}")

    def weights(self, place: Place) -> Tree:
        chosen: Tree = {}
        if self.maybe(0.3):
            chosen["bias"] = self.flag(place)
        if self.maybe(0.2):
            chosen["init"] = self.init(place)
        return chosen

    def init(self, place: Place) -> Tree:
        std = self.rate(place)
        return self.pick(
            *(
                "he_normal",
                "xavier_uniform",
                "lecun_normal",
                "zeros",
                "null",
                {"trunc_normal": {"std": std}},
            ),
            *(
                {"he_uniform": {"mode": "fan_out", "slope": std}},
                {"normal": {"std": std}},
                {"constant": {"value": std}},
            ),
        )

    def depthwise(self, x: Running, place: Place) -> Drawn:
        multiplier = self.pick(1, 1, 2)
        attributes = {**self.window(place), **self.weights(place), "multiplier": multiplier}
        channels = (
            None if x.channels is None else x.channels if multiplier == 1 else f"2 * ({x.channels})"
        )
        return [{"depthwise_conv": attributes}], replace(x, channels=channels)

    def separable(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        attributes = {"out": out, **self.window(place), **self.weights(place)}
        return [{"separable_conv": attributes}], replace(x, aligned=True, channels=out)

    def transposed(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        padding = self.pick(1, "same")
        attributes = {"out": out, "kernel": 3, "padding": padding, **self.weights(place)}
        return [{"transposed_conv": attributes}], replace(x, aligned=True, channels=out)

    def pool(self, x: Running, place: Place) -> Drawn:
        kind = self.pick("max_pool", "avg_pool")
        attributes: Tree = {
            "kernel": self.kernel(place),
            "stride": 1,
            "padding": self.pick("half", "same"),
        }
        if kind == "avg_pool":
            attributes["count_include_pad"] = self.flag(place)
        return [{kind: attributes}], x

    def pointwise(self, x: Running, place: Place) -> Drawn:
        """What neither moves values nor has many weights."""
        kind = self.pick(
            *ACTIVATIONS,
            "dropout",
            "alpha_dropout",
            "drop_path",
            "scale",
            "identity",
            *["channel_dropout"] * x.image,
        )
        attributes = {
            "leaky_relu": lambda: {"slope": self.rate(place)},
            "elu": lambda: {"alpha": self.rate(place)},
            "gelu": lambda: {"approximate": self.flag(place)},
            "prelu": lambda: {"shared": self.pick("true", "false")},
            "dropout": lambda: {"rate": self.rate(place)},
            "alpha_dropout": lambda: {"rate": self.pick(0, 0.25, "1 / 3")},
            "drop_path": lambda: {"rate": self.rate(place)},
            "scale": lambda: {"by": self.rate(place)},
        }
        if kind in attributes and (kind == "scale" or self.maybe(0.6)):
            return [{kind: attributes[kind]()}], x
        return [kind], x

    def norm(self, x: Running, place: Place) -> Drawn:
        if x.image and x.low > 1 and self.maybe(0.15):
            return [{"instance_norm": {"affine": self.flag(place), "eps": self.rate(place)}}], x
        if x.image and x.aligned and self.maybe(0.3):
            groups = self.pick("1", "2", "4", x.channels or "4")
            return [{"group_norm": {"groups": groups}}], x
        kind = self.pick(
            "batch_norm", "batch_norm", "layer_norm", "affine", "l2_norm", "standardize"
        )
        if kind == "standardize":
            return [kind], x
        if kind == "l2_norm":
            return self.pick(([kind], x), ([{kind: {"eps": self.rate(place)}}], x))
        if kind == "affine" and self.maybe(0.5):
            init = self.pick("ones", {"normal": {"std": self.rate(place)}})
            return [{kind: {"init": init, "shift": self.flag(place)}}], x
        if kind != "affine" and self.maybe(0.4):
            return [{kind: {"eps": self.rate(place), "affine": self.flag(place)}}], x
        return [kind], x

    def lrn(self, x: Running, place: Place) -> Drawn:
        return [{"local_response_norm": {"size": self.pick(3, 5), "alpha": self.rate(place)}}], x

    def reordered(self, x: Running, place: Place) -> Drawn:
        """Channels in another order, some more or some less."""
        if not x.aligned:
            return [{"pad_channels": {"after": 1}}], replace(x, channels=None)
        return self.pick(
            ([{"channel_shuffle": {"groups": self.pick(2, 4)}}], x),
            ([{"slice_channels": {"stop": 4}}], replace(x, channels="4")),
            ([{"group_softmax": {"groups": self.pick(2, 4)}}], x),
            self.summed(x, place),
            self.gathered(x, place),
            (
                [{"pad_channels": {"before": 4, "after": self.width(place)}}],
                replace(x, channels=None),
            ),
        )

    def over_channels(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        pooled = self.pick("channel_mean", "channel_max")
        return [pooled, {"conv": {"out": out, **self.window(place)}}], replace(
            x, aligned=True, channels=out
        )

    def summed(self, x: Running, place: Place) -> Drawn:
        """Groups of channels that are added up, of any number of them."""
        groups, out = self.pick(2, 3, f"1 + {self.count(place)}"), self.width(place)
        conv = {"out": f"({groups}) * ({out})", **self.window(place)}
        after = replace(x, aligned=True, channels=out)
        return [{"conv": conv}, {"group_sum": {"groups": groups}}], after

    def gathered(self, x: Running, place: Place) -> Drawn:
        count = self.count(place)
        taken, channels = self.pick(
            ([3, 0, 0, 2], "4"),
            ("range(4)", "4"),
            ("[0, 2] + [1, 1]", "4"),
            (f"[0, 3] * (2 * ({count}) + 2)", f"4 * (({count}) + 1)"),
        )
        return [{"gather_channels": {"channels": taken}}], replace(x, channels=channels)

    def paired(self, x: Running, place: Place) -> Drawn:
        """Two ops of which the second takes the first's change of size back."""
        by = self.count(place)
        return self.pick(
            ([{"zero_pad": {"padding": by}}, {"crop": {"padding": by}}], x),
            ([{"zero_pad": {"padding": [1, 2, 0, 1]}}, {"crop": {"padding": [2, 1, 1, 0]}}], x),
            ([{"upsample": {"scale": 2}}, {self.pick("max_pool", "avg_pool"): {"kernel": 2}}], x),
            (
                [
                    {
                        "upsample": {
                            "scale": [2, 1],
                            "mode": self.chosen("nearest", "bilinear", place),
                        }
                    },
                    {"avg_pool": {"kernel": [2, 1]}},
                ],
                x,
            ),
            (
                [
                    {
                        "upsample": {
                            "scale": 2,
                            "mode": "bilinear",
                            "align_corners": self.flag(place),
                        }
                    },
                    {"max_pool": {"kernel": 2}},
                ],
                x,
            ),
        )

    # --- change the size -----------------------------------------------------------------------------------------

    def strided_conv(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        attributes: Tree = {
            "out": out,
            "kernel": self.pick("1", "3", "[3, 1]"),
            "padding": self.pick("half", "same"),
        }
        attributes["stride"] = self.pick("2", "[1, 2]", *self.named("stride", place) * 2)
        if x.low >= 3 and self.maybe(0.3):
            attributes = {"out": out, "kernel": 3}
        return [{"conv": attributes | self.weights(place)}], Running(
            True, object(), 1, channels=out
        )

    def strided_depthwise(self, x: Running, place: Place) -> Drawn:
        stride = self.pick("2", "[1, 2]", *self.named("stride", place))
        attributes = {"kernel": 3, "padding": self.chosen("half", "same", place), "stride": stride}
        return [{"depthwise_conv": attributes}], replace(x, size=object(), low=1)

    def strided_pool(self, x: Running, place: Place) -> Drawn:
        attributes = self.pick(
            {"kernel": 3, "stride": 2, "padding": "half", "ceil": self.flag(place)},
            {"kernel": 3, "stride": 2, "padding": self.pick("same", "half", [1, 1, 1, 1])},
            {"kernel": [2, 2], "stride": [1, 2], "padding": [1, 0, 0, 1]},
            {"kernel": [2, 3], "stride": 2, "padding": [1, 1]},
            {"kernel": 1, "stride": self.pick(2, 3), "ceil": self.flag(place)},
            *([{"kernel": 2}, {"kernel": 2, "stride": 1}] if x.low >= 2 else []),
            *([{"kernel": [2, 1], "stride": 3, "ceil": self.flag(place)}] if x.low >= 2 else []),
        )
        after = replace(x, size=object(), low=max(1, x.low // 3))
        if self.maybe(0.2):
            border = "reflect" if x.low >= 3 else "zeros"
            blur: Tree = {"kernel": self.pick(2, 3, 5), "stride": self.pick(2, 3), "border": border}
            return [{"blur_pool": blur}], after
        return [{self.pick("max_pool", "avg_pool"): attributes}], after

    def adaptive(self, x: Running, place: Place) -> Drawn:
        if self.maybe(0.4):
            pool = self.pick("global_avg_pool", "global_max_pool")
            after = replace(x, size="1x1", low=1)
            if self.maybe(0.3):
                out = self.width(place)
                row = {"channels": 1, "height": 1, "width": out}
                back = {"channels": out, "height": 1, "width": 1}
                along = {"conv": {"out": 1, "kernel": [1, 3], "padding": "half"}}
                steps = [{"conv": {"out": out, "kernel": 1}}, {"reshape": row}, along]
                return [pool, *steps, {"reshape": back}], replace(after, aligned=True, channels=out)
            return [pool], after
        size = self.pick(2, [1, 2], [3, 2])
        return [{self.pick("adaptive_avg_pool", "adaptive_max_pool"): {"size": size}}], replace(
            x, size=object(), low=1
        )

    def enlarged(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        attributes = self.pick(
            {"kernel": 2, "stride": 2},
            {"kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
            {
                "kernel": self.pick(1, 3, 4),
                "stride": self.pick(2, "[1, 2]", *self.named("stride", place)),
                "padding": "same",
            },
        )
        return self.pick(
            (
                [{"transposed_conv": {"out": out, **attributes}}],
                Running(True, object(), 1, channels=out),
            ),
            ([{"upsample": {"scale": self.pick(2, [1, 2])}}], replace(x, size=object())),
        )

    def bordered(self, x: Running, place: Place) -> Drawn:
        if x.low >= 3 and self.maybe(0.5):
            return [{"crop": {"padding": self.pick(1, [1, 0], [1, 0, 0, 1])}}], replace(
                x, size=object(), low=1
            )
        padding = self.pick(1, [1, 0], [1, 0, 0, 1], *self.named("count", place))
        return [{"zero_pad": {"padding": padding}}], replace(x, size=object())

    def shuffled(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        steps = [
            {"conv": {"out": f"4 * ({out})", "kernel": 1, "padding": 0}},
            {"pixel_shuffle": {"factor": 2}},
        ]
        return steps, Running(True, object(), x.low, channels=out)

    def flatten(self, x: Running, place: Place) -> Drawn:
        if self.maybe(0.5):
            steps: Steps = [self.pick("global_avg_pool", "global_max_pool"), "flatten"]
            return steps, replace(x, size=None, image=False, plain=True)
        if self.maybe(0.5):
            after = Running(
                True, None, image=False, plain=True, channels=(out := self.width(place))
            )
            return ["flatten", {"linear": {"out": out}}], after
        return ["flatten"], replace(x, size=None, image=False, channels=None)

    # --- vectors -------------------------------------------------------------------------------------------------

    def linear(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        return [{"linear": {"out": out, **self.weights(place)}}], self.vector(out)

    def distances(self, x: Running, place: Place) -> Drawn:
        codes = [[self.pick(0, 1, 5, 7), self.pick(2, 3)] for _ in range(4)]
        return [{"linear": {"out": 6}}, {"rbf": {"codes": codes, "bits": 3}}], self.vector("4")

    def vector(self, out: str) -> Running:
        return Running(True, None, image=False, plain=True, channels=out)

    def reshape(self, x: Running, place: Place) -> Drawn:
        out = self.width(place)
        steps = [
            {"linear": {"out": f"6 * ({out})"}},
            {"reshape": {"channels": out, "height": 2, "width": 3}},
        ]
        return steps, Running(True, object(), 2, channels=out)
