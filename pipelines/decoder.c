/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decoder.h"
#include "compat.h"
#include "message.h"

#include <libavcodec/avcodec.h>
#include <libavutil/dovi_meta.h>

#include <string.h>

/* VP8 and VP9 keep it in a second picture beside the first, which only libvpx decodes. */
const AVCodec *
tc_decoder_with_alpha (const AVStream *stream, const AVCodec *codec)
{
  const AVDictionaryEntry *mode = av_dict_get (stream->metadata, "alpha_mode", NULL, 0);
  const AVCodec *other = NULL;

  if (mode == NULL || !g_str_equal (mode->value, "1"))
    return codec;
  if (codec->id == AV_CODEC_ID_VP9)
    other = avcodec_find_decoder_by_name ("libvpx-vp9");
  else if (codec->id == AV_CODEC_ID_VP8)
    other = avcodec_find_decoder_by_name ("libvpx");
  else
    return codec;
  if (other == NULL)
    tc_note ("the transparency is lost: this FFmpeg has no libvpx, which would decode it");
  return other != NULL ? other : codec;
}

void
tc_decoder_warn (const AVStream *stream)
{
  size_t size = 0;
  const AVDOVIDecoderConfigurationRecord *dolby =
      (const void *) tc_stream_get_side_data (stream, AV_PKT_DATA_DOVI_CONF, &size);

  if (dolby == NULL || size < sizeof *dolby)
    return;
  if (dolby->dv_bl_signal_compatibility_id == 0)
    tc_note ("warning: the video is Dolby Vision of profile %d, whose colours are wrong without a "
             "Dolby Vision decoder, which FFmpeg does not have; they will be wrong in the output",
             dolby->dv_profile);
  else
    tc_note ("the Dolby Vision layer (profile %d) is left out; the picture under it is kept",
             dolby->dv_profile);
}
