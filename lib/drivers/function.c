/* SPDX-License-Identifier: BSD-3-Clause */
/* The public face of user functions, for whichever driver makes the call. */
#include "drivers/function.h"

void adb_function_return(adb_function_call *call, adb_value value)
{
    if (call != NULL)
        call->return_fn(call, &value);
}

void adb_function_fail(adb_function_call *call, const char *message)
{
    if (call != NULL)
        call->fail_fn(call, message != NULL ? message : "the function failed");
}
