/* Compiles a loop into anonymous memory and tells perf its name, as JIT compilers do. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
	static const unsigned char code[] = {
		0x55, 0x48, 0x89, 0xe5,             /* push %rbp; mov %rsp,%rbp */
		0x48, 0x89, 0xf8,                   /* mov %rdi,%rax */
		0x48, 0xff, 0xc8, 0x75, 0xfb,       /* 1: dec %rax; jnz 1b */
		0x5d, 0xc3,                         /* pop %rbp; ret */
	};
	unsigned char *memory = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];
	if (memory == MAP_FAILED)
		return 1;
	memcpy(memory + 64, code, sizeof code);
	snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "w");
	if (!map)
		return 1;
	fprintf(map, "%lx %lx compiled loop <int>\n", (unsigned long)memory + 64, sizeof code);
	fclose(map);
	for (int i = 0; i < 10; i++)
		((void (*)(uint64_t))(memory + 64))(30000000);
	return 0;
}
