import CLiburing
import Glibc

/// A thread of our own that can be waited for.
package final class JoinableThread: Sendable {
    private let handle: pthread_t

    /// - Parameters:
    ///   - name: at most 15 bytes; what `top -H` shows.
    ///   - niceness: 0 to 19: how far it stands back when others want its core.
    package init(
        name: String,
        niceness: Int32 = 0,
        _ body: @escaping @Sendable () -> Void
    ) throws(LogError) {
        var handle = pthread_t()
        let box = Unmanaged.passRetained(ThreadBody(name: name, niceness: niceness, run: body))
        let result = pthread_create(&handle, nil, runThreadBody, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw LogError.system(operation: "start thread", path: name, errno: result)
        }
        self.handle = handle
    }

    /// The cores that the calling thread, and with it every thread that it starts, may run on.
    package static var usableCores: Int { Int(holdfast_usable_cores()) }

    package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// Waits for the thread's end. Called once, or `detach` instead.
    package func join() { pthread_join(handle, nil) }

    package func detach() { pthread_detach(handle) }
}

extension JoinableThread {
    /// Starts a thread that first makes what belongs to it alone, and then runs with it.
    ///
    /// Returns when that is made; throws what kept it from being made, when the thread has ended.
    package static func start<Resource>(
        name: String,
        prepare: @escaping @Sendable () throws(LogError) -> Resource,
        run: @escaping @Sendable (Resource) -> Void
    ) throws(LogError) -> JoinableThread {
        let readiness = Readiness()
        let thread = try JoinableThread(name: name) {
            do throws(LogError) {
                let resource = try prepare()
                readiness.set(nil)
                run(resource)
            } catch {
                readiness.set(error)
            }
        }
        if let error = readiness.wait() {
            thread.join()
            throw error
        }
        return thread
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let niceness: Int32
    let run: @Sendable () -> Void

    init(name: String, niceness: Int32, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.niceness = niceness
        self.run = run
    }
}

private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let body = Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue()
    holdfast_set_thread_name(body.name)
    if body.niceness > 0 { holdfast_set_thread_niceness(body.niceness) }
    body.run()
    return nil
}

/// One answer from a new thread to the one that started it. `@unchecked Sendable`: guarded by `monitor`.
private final class Readiness: @unchecked Sendable {
    private let monitor = Monitor()
    private var isSet = false
    private var error: LogError?

    func set(_ error: LogError?) {
        monitor.withLock {
            self.error = error
            isSet = true
        }
        monitor.signal()
    }

    func wait() -> LogError? {
        monitor.withLock {
            while !isSet { _ = monitor.wait(until: nil) }
            return error
        }
    }
}
