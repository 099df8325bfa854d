/* Moves its own text to anonymous memory of whole huge pages, as programs do that want their code in huge pages. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HUGE (2ul << 20)

__asm__(".section .hugetext,\"ax\",@progbits\n.p2align 21\n.globl text_begin\ntext_begin:\n");
__attribute__((noinline, section(".hugetext"))) uint64_t hot_inner(uint64_t n) {
	uint64_t x = 1;
	for (uint64_t i = 0; i < n; i++)
		x = x * 6364136223846793005u + i;
	return x;
}
__attribute__((noinline, section(".hugetext"))) uint64_t hot_outer(uint64_t n) {
	return hot_inner(n) ^ hot_inner(n + 1);
}
__asm__(".section .hugetext,\"ax\",@progbits\n.p2align 21\n.globl text_end\ntext_end:\n.text\n");

extern char text_begin[], text_end[];

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t run(double seconds) {
	uint64_t sum = 0;
	for (double end = now() + seconds; now() < end;)
		sum += hot_outer(20000);
	return sum;
}

int main(void) {
	static char copy[HUGE];
	uint64_t sum = run(0.05);
	memcpy(copy, text_begin, HUGE);
	void *there = mmap(text_begin, HUGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (there == MAP_FAILED || text_end - text_begin != HUGE)
		return 1;
	memcpy(there, copy, HUGE);
	mprotect(there, HUGE, PROT_READ | PROT_EXEC);
	sum += run(0.15);
	printf("checksum %llu\n", (unsigned long long)sum);
	return 0;
}
