/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "rfdn.h"

/* n-threads = 0 obeys the affinity mask. (The test cannot change the control group's quota, which
 * can only lower the number.) */
static void
test_affinity (void)
{
  cpu_set_t before, one;
  g_assert_cmpuint (rfdn_available_threads (), >=, 1);
  g_assert_cmpuint (rfdn_available_threads (), <=, g_get_num_processors ());
  g_assert_cmpint (sched_getaffinity (0, sizeof before, &before), ==, 0);
  CPU_ZERO (&one);
  for (guint i = 0; i < CPU_SETSIZE; i++) {
    if (CPU_ISSET (i, &before)) {
      CPU_SET (i, &one);
      break;
    }
  }
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  g_assert_cmpuint (rfdn_available_threads (), ==, 1);
  g_assert_cmpint (sched_setaffinity (0, sizeof before, &before), ==, 0);
}

static void
test_levels (void)
{
  g_assert_true (rfdn_cpu_is_available (RFDN_CPU_AUTO));
  g_assert_true (rfdn_cpu_is_available (RFDN_CPU_SCALAR));
  g_assert_false (rfdn_cpu_is_available ((RfdnCpu) 1000));
  g_assert_null (rfdn_cpu_get_name ((RfdnCpu) 1000));
  g_assert_cmpstr (rfdn_cpu_get_name (RFDN_CPU_AVX2), ==, "avx2");
}

/* RFDN_CPU forces a level, and a wrong name is an error, not a guess. */
static void
test_environment (void)
{
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin (rfdn_builtin_models ()->name, 0, NULL);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  params.width = params.height = 16;
  g_setenv ("RFDN_CPU", "scalar", TRUE);
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  g_autofree char *text = rfdn_upscaler_describe (upscaler);
  g_assert_nonnull (strstr (text, "scalar"));

  g_autoptr (GError) error = NULL;
  g_setenv ("RFDN_CPU", "z80", TRUE);
  g_assert_null (rfdn_upscaler_new (model, &params, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
  g_assert_nonnull (strstr (error->message, "z80"));
  g_unsetenv ("RFDN_CPU");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/threads/affinity", test_affinity);
  g_test_add_func ("/threads/levels", test_levels);
  g_test_add_func ("/threads/environment", test_environment);
  return g_test_run ();
}
