/* Loads the Go library given as its argument and calls into it for a while. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint64_t (*work)(uint64_t);

__attribute__((noinline)) static uint64_t c_caller(uint64_t n) { return work(n) + 1; }

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
	void *library = dlopen(argv[1], RTLD_NOW);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	work = (uint64_t (*)(uint64_t))dlsym(library, "GoWork");
	uint64_t sum = 0;
	for (double end = now() + 0.2; now() < end;)
		sum += c_caller(20000);
	printf("checksum %llu\n", (unsigned long long)sum);
	return 0;
}
