/* The first process of under_bochs.py's guest: runs the program, with the arguments behind "--", and waits until all
   that it printed has left the serial line, which Linux does not when its first process ends. Threads take turns only
   where they wait: Bochs 3.0 loses the numbers in tiles when Linux interrupts one for another. */
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int main(int count, char** arguments) {
  while (count > 1 && strcmp(*arguments, "--")) arguments++, count--;
  int status = 0;
  const struct sched_param turns = {1};
  sched_setscheduler(0, SCHED_FIFO, &turns);
  const pid_t child = fork();
  if (!child) {
    execv("/program", arguments);
    _exit(127);
  }
  waitpid(child, &status, 0);
  tcdrain(1);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
