/// Runs tasks that belong to no actor on a loop, instead of on the threads that the whole process shares: those may all be
/// busy, and then even what needs a millisecond waits.
///
/// What a task does between two waits holds up the loop, as everything on it does.
package final class LoopTasks: TaskExecutor {
    private let loop: RingLoop

    package init(_ loop: RingLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
