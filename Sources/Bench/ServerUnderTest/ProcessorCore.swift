import CLinux

/// Binding to a core, so that client and server do not chase each other over the machine.
enum ProcessorCore {
    /// Binds the calling thread, and whatever it starts from now on.
    static func bindCallingThread(to core: Int) throws(SystemCallError) {
        guard clinux_bind_to_core(0, UInt32(core)) == 0 else { throw SystemCallError("bind to core \(core)") }
    }
}
