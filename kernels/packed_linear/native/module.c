// An empty extension module, since that is what setuptools builds: the library is opened with ctypes and needs nothing
// of Python. Where Python's headers are not installed, it cannot be imported, and need not be.
#if defined(__has_include)
#if __has_include(<Python.h>)
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#endif
#endif

#ifdef PyMODINIT_FUNC
static struct PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_native", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }
#else
__attribute__((visibility("default"))) void *PyInit__native(void);
void *PyInit__native(void) { return 0; }
#endif
