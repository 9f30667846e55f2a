/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_FORMAT_H
#define RFDN_FORMAT_H

#include "rfdn.h"

/* FALSE with RFDN_ERROR_PARAMS set if @format has impossible numbers. */
gboolean rfdn_sample_format_check (const RfdnSampleFormat *format, GError **error);

/* 2^depth - 1, or 0 for F32, which has no largest value. */
float rfdn_sample_format_get_max (const RfdnSampleFormat *format);

#endif
