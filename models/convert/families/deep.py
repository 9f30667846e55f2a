"""Large networks that end in pixel shuffles of features, and those that are known and not run."""

from __future__ import annotations

from . import refuse

refuse("como", "its kernels are multiplied by what the whole picture is like (dynamic kernels)",
       "body.0.body.0.body.0.layer.0.Conv2d", "body.0.body.0.body.0.layer.0.threshold")
refuse("safmnpp", "its windows for the largest value are an eighth of the picture, whatever its size",
       "feats.0.conv1.dwconv", "feats.0.conv1.proj", "to_img.0")
refuse("smfanet", "its windows for the largest value are an eighth of the picture, and each pixel's features are "
       "divided by their length", "feats.0.smfa.alpha", "to_img.0")
