/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hardware.h"
#include "colour.h"
#include "compat.h"
#include "message.h"

#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

/* Frames that an encoder may hold on to at once. */
#define POOL_SIZE 32

static gboolean
takes_only_device_memory (const AVCodec *codec)
{
  const enum AVPixelFormat *format = tc_codec_get_pixel_formats (codec);
  gboolean only = format != NULL && *format != AV_PIX_FMT_NONE;

  for (; format != NULL && *format != AV_PIX_FMT_NONE; format++)
    only &= (av_pix_fmt_desc_get (*format)->flags & AV_PIX_FMT_FLAG_HWACCEL) != 0;
  return only;
}

static enum AVHWDeviceType
type_of (const AVCodec *codec)
{
  const enum AVPixelFormat *formats = tc_codec_get_pixel_formats (codec);
  const AVCodecHWConfig *config;
  const char *name = av_get_pix_fmt_name (formats[0]);

  for (int i = 0; (config = avcodec_get_hw_config (codec, i)) != NULL; i++)
    if (config->device_type != AV_HWDEVICE_TYPE_NONE)
      return config->device_type;
  /* Some encoders of FFmpeg's do not tell: the format of their memory has the device's name. */
  return g_str_equal (name, "vaapi_vld") ? AV_HWDEVICE_TYPE_VAAPI
                                         : av_hwdevice_find_type_by_name (name);
}

gboolean
tc_hardware_open (const AVCodec *codec, AVBufferRef **device, GError **error)
{
  enum AVHWDeviceType type;
  int result;

  *device = NULL;
  if (!takes_only_device_memory (codec))
    return TRUE;
  type = type_of (codec);
  if (type == AV_HWDEVICE_TYPE_NONE)
    return tc_fail (error, "codec=%s: how its device is opened is not known", codec->name);
  result = av_hwdevice_ctx_create (device, type, NULL, NULL, 0);
  return result >= 0 ||
         tc_fail_av (error, result, "codec=%s: there is no %s device here that works", codec->name,
                     av_hwdevice_get_type_name (type));
}

enum AVPixelFormat
tc_hardware_choose_format (AVBufferRef *device, enum AVPixelFormat source)
{
  AVHWFramesConstraints *constraints = av_hwdevice_get_hwframe_constraints (device, NULL);
  enum AVPixelFormat list[64], best = AV_PIX_FMT_NONE;
  int n = 0;

  if (constraints == NULL)
    return AV_PIX_FMT_NONE;
  /* What all encoders of this kind take; others only where there is neither. */
  for (const enum AVPixelFormat *f = constraints->valid_sw_formats;
       f != NULL && *f != AV_PIX_FMT_NONE; f++)
    if (n < 63 && (*f == AV_PIX_FMT_NV12 || *f == AV_PIX_FMT_P010))
      list[n++] = *f;
  for (const enum AVPixelFormat *f = constraints->valid_sw_formats;
       n == 0 && f != NULL && *f != AV_PIX_FMT_NONE; f++)
    if (sws_isSupportedOutput (*f))
      list[n++] = *f;
  list[n] = AV_PIX_FMT_NONE;
  if (n > 0)
    best = av_pix_fmt_desc_get (source)->comp[0].depth > 8 && n > 1
               ? tc_format_nearest (AV_PIX_FMT_YUV420P10, FALSE, list)
               : tc_format_nearest (AV_PIX_FMT_YUV420P, FALSE, list);
  av_hwframe_constraints_free (&constraints);
  return best;
}

int
tc_hardware_attach (AVCodecContext *encoder, AVBufferRef *device)
{
  AVBufferRef *frames = av_hwframe_ctx_alloc (device);
  AVHWFramesContext *context;
  int result;

  if (frames == NULL)
    return AVERROR (ENOMEM);
  context = (AVHWFramesContext *) (void *) frames->data;
  context->format = tc_codec_get_pixel_formats (encoder->codec)[0];
  context->sw_format = encoder->pix_fmt;
  context->width = encoder->width;
  context->height = encoder->height;
  context->initial_pool_size = POOL_SIZE;
  result = av_hwframe_ctx_init (frames);
  if (result < 0) {
    av_buffer_unref (&frames);
    return result;
  }
  encoder->pix_fmt = context->format;
  encoder->hw_frames_ctx = frames;
  return 0;
}

int
tc_hardware_upload (const AVCodecContext *encoder, AVFrame *frame)
{
  AVFrame *up;
  int result;

  if (encoder->hw_frames_ctx == NULL)
    return 0;
  up = av_frame_alloc ();
  result = up == NULL ? AVERROR (ENOMEM) : av_hwframe_get_buffer (encoder->hw_frames_ctx, up, 0);
  if (result >= 0)
    result = av_hwframe_transfer_data (up, frame, 0);
  if (result >= 0)
    result = av_frame_copy_props (up, frame);
  if (result >= 0) {
    av_frame_unref (frame);
    av_frame_move_ref (frame, up);
  }
  av_frame_free (&up);
  return result;
}
