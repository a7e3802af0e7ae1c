/* SPDX-License-Identifier: BSD-3-Clause */
/* Structs in place: what stands behind ADB_OPTIONS(.max_size = 4), ADB_PARAMS() and their kin, in C and in C++. */
#ifndef ASYNCDB_IN_PLACE_H
#define ASYNCDB_IN_PLACE_H

#ifndef __cplusplus

#define ADB__IN_PLACE(type, ...) (&(type){.size = sizeof(type), __VA_ARGS__})
#define ADB__ITEMS_IN_PLACE(type, item, ...) \
    (&(type){(const item[]){__VA_ARGS__}, sizeof((const item[]){__VA_ARGS__}) / sizeof(item)})

#else

/*
 * In C++ nobody may take the address of a temporary, but it may tell its own. Designators are C++20, and before that an
 * extension of the compilers that this library is for. To them what follows is a system header: a field left out is not
 * forgotten, and no warning shall say so.
 */
#pragma GCC system_header

#include <initializer_list>

extern "C++" {

template <typename Type> struct adb__in_place {
    Type it;

    const Type *get() const
    {
        return &it;
    }
};

template <typename Type, typename Item> struct adb__items_in_place {
    Type it;

    adb__items_in_place(std::initializer_list<Item> items) : it{items.begin(), items.size()}
    {
    }

    const Type *get() const
    {
        return &it;
    }
};

}

#define ADB__IN_PLACE(type, ...) (__extension__ adb__in_place<type>{{.size = sizeof(type), __VA_ARGS__}}.get())
#define ADB__ITEMS_IN_PLACE(type, item, ...) (adb__items_in_place<type, item>{__VA_ARGS__}.get())

#endif

#endif
