/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large the pictures are to come out: 1920x1080, 1080p, 150%.
 */
#pragma once

#include <glib.h>

/* Whether `text` names a size. */
gboolean tc_size_check (const char *text);
/* The size that pictures of `width` and `height` samples come out in. Of 1080p and 150% the width
 * is even, and so is the height of 150%, which codecs want; the shape of the samples stays. Of
 * 1920x1080 the samples get the shape that the picture keeps its own by. */
void tc_size_resolve (const char *text, int width, int height, int *out_width, int *out_height);
