/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that the plugin's archive is linked into as it is installed, for static.sh. */

#include <gst/gst.h>

GST_PLUGIN_STATIC_DECLARE (rfdn);

#define PIPELINE                                                                                   \
  "videotestsrc num-buffers=2 ! video/x-raw,width=64,height=48 ! rfdnupscale ! "                   \
  "video/x-raw,width=128,height=96 ! fakesink"

int
main (int argc, char **argv)
{
  GError *error = NULL;
  GstElement *pipeline;
  GstMessage *message;
  int status;

  gst_init (&argc, &argv);
  GST_PLUGIN_STATIC_REGISTER (rfdn);
  pipeline = gst_parse_launch (PIPELINE, &error);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (GST_ELEMENT_BUS (pipeline), GST_CLOCK_TIME_NONE,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_print ("%s\n", GST_MESSAGE_TYPE_NAME (message));
  status = GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS;
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return status;
}
