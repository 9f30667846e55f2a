/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "encoder-options.h"
#include "message.h"

#include <libavutil/opt.h>

static AVDictionary *
parse (const char *text)
{
  AVDictionary *pairs = NULL;

  if (text != NULL && av_dict_parse_string (&pairs, text, "=", ":", 0) < 0)
    av_dict_free (&pairs);
  return pairs;
}

gboolean
tc_encoder_options_check (const AVCodec *codec, const char *text, GError **error)
{
  AVCodecContext *context;
  AVDictionary *pairs = parse (text);
  const AVDictionaryEntry *pair = NULL;
  GString *unknown = g_string_new (NULL);
  gboolean ok = TRUE;

  if (text != NULL && pairs == NULL)
    ok = tc_fail (error, "encoder-options=%s: is not key=value:key=value", text);
  context = avcodec_alloc_context3 (codec);
  while ((pair = av_dict_get (pairs, "", pair, AV_DICT_IGNORE_SUFFIX)) != NULL) {
    const AVOption *option =
        av_opt_find (context, pair->key, NULL, AV_OPT_FLAG_ENCODING_PARAM, AV_OPT_SEARCH_CHILDREN);

    if (option == NULL)
      g_string_append_printf (unknown, "%s%s", unknown->len > 0 ? ", " : "", pair->key);
  }
  if (unknown->len > 0)
    ok = tc_fail (error, "encoder-options: the encoder %s has no option %s", codec->name,
                  unknown->str);
  g_string_free (unknown, TRUE);
  avcodec_free_context (&context);
  av_dict_free (&pairs);
  return ok;
}

void
tc_encoder_options_add (AVDictionary **settings, const char *text)
{
  AVDictionary *pairs = parse (text);
  const AVDictionaryEntry *pair = NULL, *own;

  while ((pair = av_dict_get (pairs, "", pair, AV_DICT_IGNORE_SUFFIX)) != NULL) {
    own = av_dict_get (*settings, pair->key, NULL, 0);
    if (own != NULL && g_str_has_suffix (pair->key, "-params")) {
      char *both = g_strdup_printf ("%s:%s", own->value, pair->value);

      av_dict_set (settings, pair->key, both, 0);
      g_free (both);
    } else {
      av_dict_set (settings, pair->key, pair->value, 0);
    }
  }
  av_dict_free (&pairs);
}
