/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element at every CPU level: those of this machine give the same picture, the others are
 * refused with one error. `$RFDN_TEST_LEVELS`, for emulated machines, lists those that must work.
 */

#include "util.h"

#include "rfdn.h"

#include <string.h>

static void
force (const char *level)
{
  g_assert_true (g_setenv ("RFDN_CPU", level, TRUE));
}

static Picture *
upscale_at (const char *level, const char *precision)
{
  g_autoptr (Picture) small = picture_new ("format=GRAY8,width=45,height=31");

  picture_fill_scene (small, 1);
  force (level);
  return upscale (small, precision);
}

/* CPU levels round floats differently, but integers identically. */
static void
assert_like_scalar (const char *level, const char *precision, guint difference)
{
  g_autoptr (Picture) want = upscale_at ("scalar", precision);
  g_autoptr (Picture) got = upscale_at (level, precision);

  g_assert_cmpuint (picture_max_difference (got, want, 0, 0), <=, difference);
}

static void
test_level (gconstpointer data)
{
  const RfdnCpu cpu = (RfdnCpu) GPOINTER_TO_INT (data);
  const char *name = rfdn_cpu_get_name (cpu);

  if (rfdn_cpu_is_available (cpu)) {
    assert_like_scalar (name, "precision=float32", 1);
    assert_like_scalar (name, "precision=int16", 0);
    return;
  }

  guint n_errors;
  force (name);
  g_autofree char *text =
      run_pipeline ("videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=32,height=24 "
                    "! rfdnupscale ! fakesink",
                    &n_errors);
  g_assert_cmpuint (n_errors, ==, 1);
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, name));
}

static void
test_expected (void)
{
  g_autoptr (GString) levels = g_string_new (NULL);

  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    if (rfdn_cpu_is_available (cpu))
      g_string_append_printf (levels, "%s%s", levels->len ? "," : "", rfdn_cpu_get_name (cpu));
  }
  g_assert_cmpstr (levels->str, ==, g_getenv ("RFDN_TEST_LEVELS"));
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    g_autofree char *path = g_strdup_printf ("/levels/%s", rfdn_cpu_get_name (cpu));
    g_test_add_data_func (path, GINT_TO_POINTER (cpu), test_level);
  }
  if (g_getenv ("RFDN_TEST_LEVELS") != NULL)
    g_test_add_func ("/levels/expected", test_expected);
  return test_run ();
}
