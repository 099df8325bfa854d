// A small interpreter, as C without frame pointers: the register that would hold the frame walks along a list whose
// nodes look like frames, with addresses of code where return addresses would be. gcc -O2 -fomit-frame-pointer
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *next;  // where a frame has the caller's frame
    void *operation;    // where a frame has the return address
    long argument;
};

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static long interpret(struct node *program, long rounds, void ***operations) {
    static void *table[] = {
#define ADDRESS(n) &&operation_##n,
        EACH(ADDRESS)
    };
    if (!program) {
        *operations = table;
        return 0;
    }
    register struct node *node __asm__("rbp") = program;
    long value = 1;
    while (rounds > 0) {
        goto *node->operation;
#define OPERATION(n)                                        \
    operation_##n : for (long i = 0; i < 40 + n; i++) {     \
        value = value * (3 + 2 * n) + node->argument;       \
        __asm__ volatile("" : "+r"(value) : "r"(node));     \
    }                                                       \
    goto after;
        EACH(OPERATION)
    after:
        node = node->next ? node->next : program;
        __asm__ volatile("" : "+r"(node));
        rounds--;
    }
    return value;
}

__attribute__((noinline)) static long mix(long value) {
    for (int i = 0; i < 2000; i++) {
        value ^= value << 13;
        value ^= (long)((uint64_t)value >> 7);
        value ^= value << 17;
    }
    return value;
}

int main(int argc, char **argv) {
    void **operations;
    interpret(NULL, 0, &operations);
    enum { NODES = 20 };
    struct node *program = calloc(NODES, sizeof *program);
    for (int i = 0; i < NODES; i++) {
        program[i] = (struct node){i + 1 < NODES ? &program[i + 1] : NULL, operations[i * 7 % 16], i};
    }
    long value = 0;
    for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 2500); i++) {
        value += mix(interpret(program, 2000, &operations));
    }
    printf("%ld\n", value);
    return 0;
}
