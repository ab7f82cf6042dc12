import Foundation
import Glibc

/// A recording disk with a filesystem on it, mounted: FUSE file, loop device, ext4.
final class RecordingDisk: @unchecked Sendable {
    /// Enough for the log's files, two snapshots and a journal.
    static let mebibytes = 112

    let folder: String
    let mountPoint: String
    var trace: String { folder + "/trace" }
    /// The disk as it was before the first record of the trace.
    var base: String { folder + "/base" }

    private let process = Process()
    private var device: String?
    // `@unchecked Sendable`: many threads read the counter, which is one aligned word that another process writes;
    // everything else is the owner's.
    private let counter: MappedFile

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
        counter = try MappedFile(counterPath)
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = [image, folder + "/trace", counterPath, exported]
        try process.run()
        try attach(exported + "/disk")
    }

    deinit { try? remove() }

    /// How many flushes are complete, as of now.
    var flushes: UInt64 { counter.bytes.load(as: UInt64.self) }

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
