import Foundation
import Glibc
import Synchronization

/// A recording disk with a filesystem on it, mounted: FUSE file, loop device, ext4.
final class RecordingDisk {
    /// Enough for the log's files, two snapshots and a journal.
    static let mebibytes = 144

    let folder: String
    let mountPoint: String
    var trace: String { folder + "/trace" }
    /// The disk as it was before the first record of the trace.
    var base: String { folder + "/base" }

    let flushes: FlushCounter
    private let process = Process()
    private var device: String?

    /// - Parameters:
    ///   - binary: the built Tests/PowerLoss/recording-disk.c.
    ///   - folder: for everything; made here, removed by whoever owns its parent.
    init(binary: String, folder: String) throws {
        self.folder = folder
        mountPoint = folder + "/mounted"
        let (image, counterPath, exported) = (folder + "/image", folder + "/counter", folder + "/disk")
        for path in [mountPoint, exported] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try Tool.run("truncate", "-s", "\(Self.mebibytes)M", folder + "/base")
        try Tool.run(
            "mkfs.ext4",
            "-q",
            "-J",
            "size=8",
            "-E",
            "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
            folder + "/base"
        )
        try Tool.run("cp", "--sparse=always", folder + "/base", image)
        try Tool.run("truncate", "-s", "8", counterPath)
        flushes = try FlushCounter(counterPath)
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = [image, folder + "/trace", counterPath, exported]
        try process.run()
        try attach(exported + "/disk")
    }

    deinit { try? remove() }

    private func attach(_ file: String) throws {
        for _ in 0..<500 where !FileManager.default.fileExists(atPath: file) { usleep(10_000) }
        // With direct I/O the loop device has many writes on their way at once, as a disk has.
        let made = try Tool.run("losetup", "--find", "--show", "--direct-io=on", file)
        device = made.trimmingCharacters(in: .whitespacesAndNewlines)
        try Tool.run("mount", "-o", "noatime", device!, mountPoint)
    }

    /// Unmounts, and waits until the trace is complete.
    func remove() throws {
        if let device {
            Tool.unmount(mountPoint)
            try Tool.run("losetup", "--detach", device)
            self.device = nil
        }
        if process.isRunning {
            Tool.unmount(folder + "/disk")
            process.waitUntilExit()
        }
    }
}

/// How many flushes a recording disk has completed, as of now.
///
/// `@unchecked Sendable`: the one word of the map is read atomically, and written by another process only.
final class FlushCounter: @unchecked Sendable {
    private let file: MappedFile

    init(_ path: String) throws { file = try MappedFile(path) }

    var value: UInt64 {
        file.bytes.baseAddress!.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
    }
}

/// Programs of the system.
enum Tool {
    /// What it printed.
    /// - Throws: when it says no.
    @discardableResult
    static func run(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ServerFailure(description: "\(arguments.joined(separator: " ")): \(text)")
        }
        return text
    }

    /// A killed process' io_uring lets go of its files a moment after its end.
    static func unmount(_ path: String) {
        for _ in 0..<200 {
            if umount2(path, 0) == 0 || errno == EINVAL { return }
            usleep(10_000)
        }
        umount2(path, Int32(MNT_DETACH))
    }
}
