/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Negotiation: sizes, factors, fields that are passed on, and refusals with a message. */

#include "util.h"

#include "gstrfdncaps.h"

#include <string.h>

/* ---- the pure functions --------------------------------------------------------------------- */

#define F2 GST_RFDN_FACTOR (2)
#define F3 GST_RFDN_FACTOR (3)
#define F4 GST_RFDN_FACTOR (4)
#define F1 GST_RFDN_FACTOR (1)

static const struct {
  const char *name;
  guint factors;
  gboolean enlarge;
  const char *from, *to;
} transforms[] = {
    {"fixed", F2, TRUE, "video/x-raw,width=320,height=240", "video/x-raw,width=640,height=480"},
    {"fixed-back", F2, FALSE, "video/x-raw,width=640,height=480",
     "video/x-raw,width=320,height=240"},
    {"indivisible", F2, FALSE, "video/x-raw,width=641,height=480", "EMPTY"},
    {"range", F3, TRUE, "video/x-raw,width=[10,20],height=5",
     "video/x-raw,width=[30,60],height=15"},
    {"range-back", F3, FALSE, "video/x-raw,width=[10,20],height=[9,11]",
     "video/x-raw,width=[4,6],height=3"},
    {"range-too-narrow", F4, FALSE, "video/x-raw,width=[9,11],height=8", "EMPTY"},
    {"stepped-range", F2, TRUE, "video/x-raw,width=[8,16,4],height=1",
     "video/x-raw,width=[16,32],height=2"},
    {"stepped-range-back", F2, FALSE, "video/x-raw,width=[6,24,3],height=2",
     "video/x-raw,width=[3,12],height=1"},
    {"list", F2, TRUE, "video/x-raw,width={10,20},height=2", "video/x-raw,width={20,40},height=4"},
    {"list-back", F2, FALSE, "video/x-raw,width={10,11,16},height=4",
     "video/x-raw,width={5,8},height=2"},
    {"one-dimension-back", F2, FALSE, "video/x-raw,width=640",
     "video/x-raw,width=320,height=[1,32768]"},
    {"largest", F4, TRUE, "video/x-raw,width=[1,2147483647],height=1",
     "video/x-raw,width=[1,131072],height=4"},
    {"several", F2 | F4 | F1, FALSE, "video/x-raw,width=640,height=480",
     "video/x-raw,width=320,height=240;video/x-raw,width=160,height=120;"
     "video/x-raw,width=640,height=480"},
    {"other-fields", F2, TRUE,
     "video/x-raw,format={I420,RGB},width=4,height=4,framerate=0/1,pixel-aspect-ratio=16/15,"
     "multiview-mode=side-by-side",
     "video/x-raw,format={I420,RGB},width=8,height=8,framerate=0/1,pixel-aspect-ratio=16/15,"
     "multiview-mode=side-by-side"},
    {"untagged", F4, TRUE, "video/x-raw,format=I420,width=320,height=240,framerate=30/1",
     "video/x-raw,format=I420,width=1280,height=960,framerate=30/1"},
    {"untagged-back", F2, FALSE, "video/x-raw,format=I420,width=2560,height=1440",
     "video/x-raw,format=I420,width=1280,height=720"},
    {"tagged", F2, TRUE,
     "video/x-raw,format=I420,width=320,height=240,framerate=30/1,colorimetry=2:4:16:4,"
     "chroma-site=mpeg2",
     "video/x-raw,format=I420,width=640,height=480,framerate=30/1,colorimetry=2:4:16:4,"
     "chroma-site=mpeg2"},
    {"tagged-back", F2, FALSE,
     "video/x-raw,format=I420,width=640,height=480,colorimetry=bt709,chroma-site=mpeg2",
     "video/x-raw,format=I420,width=320,height=240,colorimetry=bt709,chroma-site=mpeg2"},
    {"interlaced", F2, TRUE, "video/x-raw,width=32,height=24,interlace-mode=interleaved",
     "video/x-raw,width=64,height=48,interlace-mode=interleaved"},
    {"interlaced-back", F2, FALSE, "video/x-raw,width=32,height=24,interlace-mode={mixed,fields}",
     "EMPTY"},
    {"progressive-too", F2, FALSE,
     "video/x-raw,width=32,height=24,interlace-mode={mixed,progressive}",
     "video/x-raw,width=16,height=12,interlace-mode=progressive"},
    {"other-memory", F2 | F1, TRUE, "video/x-raw(memory:GLMemory),width=32,height=24",
     "video/x-raw(memory:GLMemory),width=32,height=24"},
    {"other-memory-alone", F2, TRUE, "video/x-raw(memory:GLMemory),width=32,height=24", "EMPTY"},
    {"same-size-alone", F1, TRUE, "video/x-raw,width=32,height=24",
     "video/x-raw,width=32,height=24"},
    {"other-memory-same-size-alone", F1, TRUE, "video/x-raw(memory:GLMemory),width=32,height=24",
     "EMPTY"},
    {"eight", GST_RFDN_FACTORS_ALL & ~(F2 | F3 | F4), FALSE, "video/x-raw,width=40,height=[1,16]",
     "video/x-raw,width=8,height=[1,3];video/x-raw,width=5,height=[1,2]"},
    {"overlay", F2, TRUE, "video/x-raw(meta:GstVideoOverlayComposition),width=32,height=24",
     "video/x-raw(meta:GstVideoOverlayComposition),width=64,height=48"},
};

static void
test_transform (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GstCaps) from = gst_caps_from_string (transforms[i].from);
  g_autoptr (GstCaps) expected = gst_caps_from_string (transforms[i].to);
  g_autoptr (GstCaps) got = gst_rfdn_caps_transform (
      from, transforms[i].enlarge ? GST_PAD_SINK : GST_PAD_SRC, transforms[i].factors, FALSE);

  if (!gst_caps_is_strictly_equal (got, expected)) {
    g_autofree char *text = gst_caps_to_string (got);

    g_test_message ("got %s", text);
    g_test_message ("expected %s", transforms[i].to);
    g_test_fail ();
  }
}

static void
test_any (void)
{
  g_autoptr (GstCaps) any = gst_caps_new_any ();
  g_autoptr (GstCaps) got = gst_rfdn_caps_transform (any, GST_PAD_SINK, F2, TRUE);
  g_autoptr (GstCaps) none = gst_caps_new_empty ();
  g_autoptr (GstCaps) nothing = gst_rfdn_caps_transform (none, GST_PAD_SINK, F2, TRUE);

  g_assert_true (gst_caps_is_any (got));
  g_assert_true (gst_caps_is_empty (nothing));
}

static void
test_order (void)
{
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F1 | F2 | F4, 0), ==, 2);
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F1 | F2 | F4, 2), ==, 4);
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F1 | F2 | F4, 4), ==, 1);
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F1 | F2 | F4, 1), ==, 0);
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F3, 0), ==, 3);
  g_assert_cmpuint (gst_rfdn_caps_next_factor (F3, 3), ==, 0);
}

/* ---- negotiation through the element --------------------------------------------------------- */

static const struct {
  const char *name;
  const char *properties; /* of a model that repeats pixels, unless it names one */
  guint model_scale;
  const char *in, *downstream;
  const char *out; /* NULL: not negotiable */
} negotiations[] = {
    {"default", "", 0, "format=I420,width=32,height=24", "ANY",
     "format=I420,width=64,height=48,colorimetry=bt601,chroma-site=jpeg"},
    {"x4-model", "", 4, "format=I420,width=32,height=24", "ANY",
     "format=I420,width=128,height=96,colorimetry=bt601,chroma-site=jpeg"},
    {"explicit-scale", "scale=3", 3, "format=I420,width=32,height=24", "ANY",
     "format=I420,width=96,height=72,colorimetry=bt601,chroma-site=jpeg"},
    {"width-alone", "", 2, "format=I420,width=32,height=24", "video/x-raw,width=64",
     "format=I420,width=64,height=48,colorimetry=bt601,chroma-site=jpeg"},
    {"height-alone", "", 2, "format=I420,width=32,height=24", "video/x-raw,height=48",
     "format=I420,width=64,height=48,colorimetry=bt601,chroma-site=jpeg"},
    {"range-downstream", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=[1,100],height=[1,100]",
     "format=I420,width=64,height=48,colorimetry=bt601,chroma-site=jpeg"},
    {"not-the-factor", "resample=false", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=96", NULL},
    {"other-aspect", "resample=false", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=64,height=50", NULL},
    {"resampled-width", "", 2, "format=I420,width=32,height=24", "video/x-raw,width=96",
     "format=I420,width=96,height=72,pixel-aspect-ratio=1/1,colorimetry=bt601,chroma-site=jpeg"},
    {"resampled-height", "", 2, "format=RGB,width=32,height=24", "video/x-raw,height=55",
     "format=RGB,width=73,height=55,pixel-aspect-ratio=1/1,colorimetry=sRGB"},
    {"resampled-even", "", 2, "format=I420,width=848,height=464", "video/x-raw,width=1920",
     "format=I420,width=1920,height=1050,pixel-aspect-ratio=1/1,colorimetry=bt601,"
     "chroma-site=jpeg"},
    {"resampled-par", "", 2, "format=I420,width=32,height=24,pixel-aspect-ratio=32/27",
     "video/x-raw,height=72",
     "format=I420,width=96,height=72,pixel-aspect-ratio=32/27,colorimetry=bt601,chroma-site=jpeg"},
    {"resampled-to-square", "", 2, "format=I420,width=720,height=576,pixel-aspect-ratio=16/15",
     "video/x-raw,pixel-aspect-ratio=1/1",
     "format=I420,width=1536,height=1152,pixel-aspect-ratio=1/1,colorimetry=bt601,"
     "chroma-site=jpeg"},
    {"resampled-both", "", 2, "format=I420,width=32,height=24", "video/x-raw,width=64,height=50",
     "format=I420,width=64,height=50,pixel-aspect-ratio=25/24,colorimetry=bt601,chroma-site=jpeg"},
    {"resampled-both-square", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=64,height=50,pixel-aspect-ratio=1/1",
     "format=I420,width=64,height=50,pixel-aspect-ratio=1/1,colorimetry=bt601,chroma-site=jpeg"},
    {"resampled-to-fit", "", 2, "format=I420,width=1280,height=720",
     "video/x-raw,width=[1,1920],height=[1,1080]",
     "format=I420,width=1920,height=1080,pixel-aspect-ratio=1/1,colorimetry=bt709,"
     "chroma-site=mpeg2"},
    {"larger-than-downstream", "", 2, "format=I420,width=64,height=48", "video/x-raw,width=32",
     "format=I420,width=32,height=24,pixel-aspect-ratio=1/1,colorimetry=bt601,chroma-site=jpeg"},
    {"other-format", "", 2, "format=I420,width=32,height=24", "video/x-raw,format=NV12", NULL},
    {"same-size", "", 2, "format=I420,width=32,height=24", "video/x-raw,width=32,height=24",
     "format=I420,width=32,height=24,colorimetry=bt601,chroma-site=jpeg"},
    {"same-size-but-scale", "scale=2", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=32,height=24",
     "format=I420,width=32,height=24,pixel-aspect-ratio=1/1,colorimetry=bt601,chroma-site=jpeg"},
    {"same-size-but-scale-alone", "scale=2 resample=false", 2, "format=I420,width=32,height=24",
     "video/x-raw,width=32,height=24", NULL},
    {"par-16-15", "", 2, "format=I420,width=32,height=24,pixel-aspect-ratio=16/15", "ANY",
     "format=I420,width=64,height=48,pixel-aspect-ratio=16/15,colorimetry=bt601,chroma-site=jpeg"},
    {"par-32-27", "", 2, "format=I420,width=32,height=24,pixel-aspect-ratio=32/27",
     "video/x-raw,width=64",
     "format=I420,width=64,height=48,pixel-aspect-ratio=32/27,"
     "colorimetry=bt601,chroma-site=jpeg"},
    {"still", "", 2, "format=RGB,width=32,height=24,framerate=0/1", "ANY",
     "format=RGB,width=64,height=48,framerate=0/1,colorimetry=sRGB"},
    {"multiview", "", 2,
     "format=I420,width=32,height=24,multiview-mode=side-by-side,"
     "multiview-flags=0:ffffffff:/right-view-first",
     "ANY",
     "format=I420,width=64,height=48,multiview-mode=side-by-side,"
     "multiview-flags=0:ffffffff:/right-view-first,colorimetry=bt601,chroma-site=jpeg"},
    {"hdr", "", 2,
     "format=I420_10LE,width=32,height=24,colorimetry=bt2100-pq,chroma-site=mpeg2,"
     "mastering-display-info=(string)13250:34500:7500:3000:34000:16000:15635:16450:10000000:1,"
     "content-light-level=(string)1000:400",
     "ANY",
     "format=I420_10LE,width=64,height=48,colorimetry=bt2100-pq,chroma-site=mpeg2,"
     "mastering-display-info=(string)13250:34500:7500:3000:34000:16000:15635:16450:10000000:1,"
     "content-light-level=(string)1000:400"},
    {"hlg", "", 2, "format=P010_10LE,width=32,height=24,colorimetry=bt2100-hlg", "ANY",
     "format=P010_10LE,width=64,height=48,colorimetry=bt2100-hlg"},
    {"full-range", "", 2, "format=I420,width=32,height=24,colorimetry=1:3:5:1", "ANY",
     "format=I420,width=64,height=48,colorimetry=1:3:5:1"},
    {"smpte2084-full", "", 2, "format=I420_10LE,width=32,height=24,colorimetry=1:6:14:7", "ANY",
     "format=I420_10LE,width=64,height=48,colorimetry=1:6:14:7"},
    {"asked-for-true-colours", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,colorimetry=bt601",
     "format=I420,width=64,height=48,colorimetry=bt601,chroma-site=jpeg"},
    {"asked-for-one-of-colours", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,colorimetry={bt709,2:4:16:4,bt2020}",
     "format=I420,width=64,height=48,colorimetry=2:4:16:4,chroma-site=jpeg"},
    {"untagged-past-576-lines", "scale=4", 4, "format=I420,width=32,height=240", "ANY",
     "format=I420,width=128,height=960,colorimetry=bt601,chroma-site=jpeg"},
    {"untagged-hd", "", 2, "format=NV12,width=32,height=720", "ANY",
     "format=NV12,width=64,height=1440,colorimetry=bt709,chroma-site=mpeg2"},
    {"untagged-gray", "", 2, "format=GRAY8,width=32,height=24", "ANY",
     "format=GRAY8,width=64,height=48"},
    {"untakable-tag", "", 2, "format=I420,width=32,height=300,colorimetry=1:1:0:0", "ANY",
     "format=I420,width=64,height=600,colorimetry=bt601,chroma-site=jpeg"},
    {"asked-for-other-site", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,chroma-site=mpeg2", NULL},
    {"asked-for-interlaced", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,interlace-mode=interleaved", NULL},
    {"asked-for-progressive-too", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,interlace-mode={interleaved,progressive}",
     "format=I420,width=64,height=48,interlace-mode=progressive,colorimetry=bt601,"
     "chroma-site=jpeg"},
    {"asked-for-other-colours", "", 2, "format=I420,width=32,height=24",
     "video/x-raw,colorimetry=bt709", NULL},
    {"other-colours-than-tagged", "", 2, "format=I420,width=32,height=24,colorimetry=bt601",
     "video/x-raw,colorimetry=bt709", NULL},
    {"progressive", "", 2, "format=I420,width=32,height=24,interlace-mode=progressive", "ANY",
     "format=I420,width=64,height=48,interlace-mode=progressive,colorimetry=bt601,chroma-site="
     "jpeg"},
    {"too-large", "", 2, "format=GRAY8,width=32768,height=32768", "ANY", NULL},
    {"other-memory", "", 2, "(memory:DMABuf)format=I420,width=32,height=24", "ANY",
     "(memory:DMABuf)format=I420,width=32,height=24"},
    {"other-memory-but-scale", "scale=2", 2, "(memory:DMABuf)format=I420,width=32,height=24", "ANY",
     NULL},
    {"overlay", "", 2, "(meta:GstVideoOverlayComposition)format=I420,width=32,height=24", "ANY",
     "(meta:GstVideoOverlayComposition)format=I420,width=64,height=48,colorimetry=bt601,"
     "chroma-site=jpeg"},
};

static GstCaps *
caps_of (const char *fields)
{
  const gboolean feature = fields[0] == '(';
  g_autofree char *text = NULL;

  if (feature) {
    const char *end = strchr (fields, ')') + 1;
    g_autofree char *name = g_strndup (fields, (gsize) (end - fields));

    text = g_strconcat ("video/x-raw", name, ",", end, NULL);
  } else {
    text = g_strconcat ("video/x-raw,", fields, NULL);
  }
  if (strstr (fields, "framerate") == NULL) {
    g_autofree char *rest = g_steal_pointer (&text);

    text = g_strconcat (rest, ",framerate=30/1", NULL);
  }
  return gst_caps_from_string (text);
}

/* After 1.22, GStreamer sets a chroma site even for caps that have only a colorimetry. */
static void
add_default_site (const GstCaps *in, GstCaps *expected)
{
  const GstStructure *structure = gst_caps_get_structure (in, 0);
  g_autofree char *site = NULL;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, in));
  if (!gst_structure_has_field (structure, "colorimetry") ||
      gst_structure_has_field (structure, "chroma-site") ||
      GST_VIDEO_FORMAT_INFO_W_SUB (info.finfo, 1) == 0 ||
      info.chroma_site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return;
  site = gst_video_chroma_site_to_string (info.chroma_site);
  gst_caps_set_simple (expected, "chroma-site", G_TYPE_STRING, site, NULL);
}

static void
test_negotiate (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *properties =
      negotiations[i].model_scale
          ? g_strdup_printf ("model=\"%s\" %s", nearest_model (1, negotiations[i].model_scale),
                             negotiations[i].properties)
          : g_strdup (negotiations[i].properties);
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstCaps) in = caps_of (negotiations[i].in);
  g_autoptr (GstCaps) out = NULL;
  GstVideoInfo info;

  gst_element_set_bus (harness->element, bus);
  gst_harness_set_sink_caps_str (harness, negotiations[i].downstream);
  gst_harness_set_src_caps (harness, gst_caps_ref (in));
  if (negotiations[i].out != NULL) {
    g_autoptr (GstCaps) expected = caps_of (negotiations[i].out);
    GstBuffer *buffer;

    add_default_site (in, expected);
    g_assert_true (gst_video_info_from_caps (&info, in));
    buffer = gst_harness_push_and_pull (
        harness, gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL));
    g_assert_nonnull (buffer);
    out = gst_pad_get_current_caps (harness->sinkpad);
    if (!gst_caps_is_equal (out, expected)) {
      g_autofree char *text = gst_caps_to_string (out);

      g_test_message ("got %s", text);
      g_test_fail ();
    }
    g_assert_true (gst_video_info_from_caps (&info, out));
    g_assert_cmpuint (gst_buffer_get_size (buffer), ==, GST_VIDEO_INFO_SIZE (&info));
    gst_buffer_unref (buffer);
  } else {
    g_autoptr (GstMessage) message = NULL;
    guint n = 0;

    g_assert_cmpint (gst_harness_push (harness, gst_buffer_new_allocate (NULL, 32 * 24 * 4, NULL)),
                     ==, GST_FLOW_NOT_NEGOTIATED);
    /* Caps without the feature were refused because of downstream, which is reported once. */
    while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL) {
      g_autoptr (GError) error = NULL;

      gst_message_parse_error (message, &error, NULL);
      if (strstr (error->message, "too large") != NULL)
        g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
      else
        g_assert_error (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION);
      g_clear_pointer (&message, gst_message_unref);
      n++;
    }
    g_assert_cmpuint (n, ==, negotiations[i].in[0] == '(' ? 0 : 1);
  }
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

/* The answer to upstream when downstream wants a size. */
static void
test_query_upstream (void)
{
  static const char *const exact =
      "video/x-raw,format=I420,width=320,height=240,framerate=[0/1,2147483647/1],"
      "interlace-mode=progressive;"
      "video/x-raw,format=I420,width=640,height=480,framerate=[0/1,2147483647/1],"
      "interlace-mode=progressive";

  for (guint resample = 0; resample <= 1; resample++) {
    g_autofree char *properties =
        g_strdup_printf ("model=\"%s\" resample=%u", nearest_model (1, 2), resample);
    GstHarness *harness = upscale_harness (properties);
    g_autoptr (GstCaps) caps = NULL;
    g_autoptr (GstCaps) expected = gst_caps_from_string (exact);

    if (resample)
      gst_caps_append (expected, gst_caps_from_string (
                                     "video/x-raw,format=I420,width=[1,32768],height=[1,32768],"
                                     "framerate=[0/1,2147483647/1],"
                                     "interlace-mode=progressive,"
                                     "pixel-aspect-ratio=[1/2147483647,2147483647/1]"));
    gst_harness_set_sink_caps_str (harness, "video/x-raw,format=I420,width=640,height=480");
    caps = gst_pad_peer_query_caps (harness->srcpad, NULL);
    /* The order matters: sources choose the first that they can make. */
    if (!gst_caps_is_strictly_equal (caps, expected)) {
      g_autofree char *text = gst_caps_to_string (caps);

      g_test_message ("got %s", text);
      g_test_fail ();
    }
    gst_harness_teardown (harness);
  }
}

/* A source that can make any size and format chooses the cheapest. */
static void
test_source (void)
{
  static const struct {
    guint channels;
    const char *after, *format;
  } chains[] = {
      {1, "identity", "I420"},
      {1, "videoconvert", "I420"},
      {3, "identity", "RGB"},
      {3, "videoconvert", "RGB"},
      {1, "capsfilter caps=video/x-raw,format={BGRA,NV12}", "NV12"},
      {3, "capsfilter caps=video/x-raw,format={NV12,BGRA}", "BGRA"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (chains); i++) {
    g_autofree char *launch =
        g_strdup_printf ("videotestsrc num-buffers=1 ! rfdnupscale name=up model=\"%s\" ! %s ! "
                         "video/x-raw,width=640,height=480 ! fakesink",
                         nearest_model (chains[i].channels, 2), chains[i].after);
    g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
    g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "up");
    g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
    g_autoptr (GstCaps) caps = NULL;
    const GstStructure *structure;
    gint width = 0;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
                     GST_STATE_CHANGE_SUCCESS);
    caps = gst_pad_get_current_caps (pad);
    structure = gst_caps_get_structure (caps, 0);
    g_assert_cmpstr (gst_structure_get_string (structure, "format"), ==, chains[i].format);
    g_assert_true (gst_structure_get_int (structure, "width", &width));
    g_assert_cmpint (width, ==, 320);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
}

/* In NULL and READY no model is loaded, but elements can be linked and queried. */
static void
test_query_before_start (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) fixed =
      gst_caps_from_string ("video/x-raw,format=I420,width=64,height=48,framerate=30/1");

  g_object_set (element, "model", "/nowhere/missing.safetensors", NULL);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);

    g_assert_false (gst_caps_is_empty (caps));
    g_assert_true (gst_pad_query_accept_caps (sink, fixed));
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_READY), ==,
                     GST_STATE_CHANGE_SUCCESS);
  }
  gst_element_set_state (element, GST_STATE_NULL);
}

/* Upstream sends interlaced frames without having asked. */
static void
test_interlaced (gconstpointer fields)
{
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = caps_of (fields);

  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps (harness, gst_caps_ref (caps));
  g_assert_cmpint (gst_harness_push (harness, gst_buffer_new_allocate (NULL, 1152, NULL)), ==,
                   GST_FLOW_NOT_NEGOTIATED);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "deinterlace"));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

/* A converter in front queries, finds no possible caps, and gives up: the reason is reported. */
static void
test_interlaced_converter (void)
{
  GstHarness *harness = gst_harness_new_parse ("videoconvert ! rfdnupscale");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) warning = NULL;
  g_autoptr (GError) said = NULL;

  gst_element_set_bus (harness->element, bus);
  for (guint i = 0; i < 2; i++) { /* and told once */
    gst_harness_set_src_caps (
        harness, caps_of ("format=I420,width=32,height=24,interlace-mode=interleaved"));
    g_assert_cmpint (gst_harness_push (harness, gst_buffer_new_allocate (NULL, 1152, NULL)), ==,
                     GST_FLOW_NOT_NEGOTIATED);
  }
  warning = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (warning);
  gst_message_parse_warning (warning, &said, NULL);
  g_assert_nonnull (strstr (said->message, "deinterlace"));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

/* Size, format and factor change while data flow. */
static void
test_change (void)
{
  static const char *const in[] = {
      "format=I420,width=32,height=24",  "format=I420,width=17,height=5",
      "format=RGBA,width=17,height=5",   "format=P010_10LE,width=64,height=48",
      "format=GRAY8,width=1,height=1",   "format=NV12,width=33,height=31",
      "format=BGRx,width=100,height=20", "format=Y444,width=2,height=50",
  };
  GstHarness *harness = upscale_harness ("");

  for (guint round = 0; round < 100; round++) {
    g_autoptr (Picture) small =
        picture_new_printf ("%s,framerate=30/1", in[round % G_N_ELEMENTS (in)]);
    g_autoptr (Picture) large = NULL;

    picture_fill_scene (small, round);
    large = upscale_with (harness, small, NULL);
    g_assert_cmpint (large->info.width, ==, 2 * small->info.width);
    g_assert_cmpint (large->info.height, ==, 2 * small->info.height);
    g_assert_cmpint (GST_VIDEO_INFO_FORMAT (&large->info), ==,
                     GST_VIDEO_INFO_FORMAT (&small->info));
    if (round < G_N_ELEMENTS (in)) {
      g_autoptr (Picture) alone = upscale (small, "");

      g_assert_true (picture_is_equal (large, alone));
    }
  }
  gst_harness_teardown (harness);
}

/* If the size stays the same, the same buffer is passed on. */
static void
test_passthrough (void)
{
  GstHarness *harness = upscale_harness ("");
  GstBuffer *in = gst_buffer_new_allocate (NULL, 32 * 24 * 3 / 2, NULL), *out;

  gst_harness_set_sink_caps_str (harness, "video/x-raw,width=32,height=24");
  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=I420,width=32,height=24,framerate=30/1");
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (in));
  g_assert_true (out == in);
  gst_buffer_unref (out);
  gst_buffer_unref (in);

  gst_harness_set_sink_caps_str (harness, "video/x-raw");
  gst_pad_push_event (harness->sinkpad, gst_event_new_reconfigure ());
  out = gst_harness_push_and_pull (harness, gst_buffer_new_allocate (NULL, 32 * 24 * 3 / 2, NULL));
  g_assert_cmpuint (gst_buffer_get_size (out), ==, 64 * 48 * 3 / 2);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name, *caps;
  } interlaced[] = {
      {"interleaved", "format=I420,width=32,height=24,interlace-mode=interleaved"},
      {"mixed", "format=I420,width=32,height=24,interlace-mode=mixed"},
      {"fields", "format=I420,width=32,height=24,interlace-mode=fields"},
      {"alternate", "(format:Interlaced)format=I420,width=32,height=24,interlace-mode=alternate"},
  };

  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (transforms); i++) {
    g_autofree char *path = g_strconcat ("/caps/transform/", transforms[i].name, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_transform);
  }
  g_test_add_func ("/caps/transform/any", test_any);
  g_test_add_func ("/caps/order", test_order);
  for (guint i = 0; i < G_N_ELEMENTS (negotiations); i++) {
    g_autofree char *path = g_strconcat ("/caps/negotiate/", negotiations[i].name, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_negotiate);
  }
  g_test_add_func ("/caps/query/upstream", test_query_upstream);
  g_test_add_func ("/caps/query/source", test_source);
  g_test_add_func ("/caps/query/before-start", test_query_before_start);
  for (guint i = 0; i < G_N_ELEMENTS (interlaced); i++) {
    g_autofree char *path = g_strconcat ("/caps/interlaced/", interlaced[i].name, NULL);

    g_test_add_data_func (path, interlaced[i].caps, test_interlaced);
  }
  g_test_add_func ("/caps/interlaced/converter", test_interlaced_converter);
  g_test_add_func ("/caps/change", test_change);
  g_test_add_func ("/caps/passthrough", test_passthrough);
  return test_run ();
}
