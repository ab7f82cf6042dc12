import ArgumentParser
import Auth
import Glibc
import Loop
import WAL

/// `holdfast serve --check`: whether a start would succeed now, as far as that can be told without changing anything.
struct ServeCheck {
    /// EX_UNAVAILABLE of sysexits.h: the settings are fine, the machine isn't.
    static let unavailable: Int32 = 69

    private(set) var lines: [String] = []
    /// 0 when all is well.
    private(set) var exitCode: Int32 = 0
    private var isFatal = false

    init(_ settings: Settings) async {
        lines = Self.table(of: settings.effective)
        await checkTokenKeys(settings)
        checkCertificate(settings)
        checkKernel()
        checkFolder(settings)
        checkPort(settings)
        checkOpenFiles(settings)
        checkBooks(settings)
        lines.append(
            isFatal
                ? "a start would fail" : exitCode == 0 ? "all is well" : "a start would sell, and write no books yet"
        )
    }

    // MARK: - Settings

    private static func table(of settings: [SettingsReader.Effective]) -> [String] {
        let names = settings.map(\.setting.name.count).max() ?? 0
        return settings.sorted { $0.setting.name < $1.setting.name }.map { effective in
            let name = effective.setting.name.padded(to: names)
            return "\(name)  \(effective.shownValue)  (\(effective.source))"
        }
    }

    private mutating func checkTokenKeys(_ settings: Settings) async {
        guard let file = settings.tokenKeys else { return }
        do throws(TokenKeyError) {
            let keys = try await TokenKeys(file: file)
            let others = keys.othersPassedOver.map { "; \($0)" } ?? ""
            note("keys of tokens", "\(file) has \(keys.summary)\(others)")
        } catch {
            fail("keys of tokens", "\(file): \(error)", ConfigurationError.exitCode)
        }
    }

    private mutating func checkCertificate(_ settings: Settings) {
        guard let files = settings.tls else { return }
        do throws(TLSFileError) {
            _ = try TLSIdentity(files)
            note("certificate", "it loads from \(files.certificate), and its key from \(files.key)")
        } catch {
            fail("certificate", "\(error)", ConfigurationError.exitCode)
        }
    }

    // MARK: - The machine

    private mutating func checkKernel() {
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        do throws(LogError) {
            try RingLoop.start(number: 0).stop()
            note("kernel", "\(release), io_uring can be used")
        } catch {
            fail("kernel", "\(release): \(error)")
        }
    }

    private mutating func checkFolder(_ settings: Settings) {
        let folder = settings.data
        var status = stat()
        if stat(folder, &status) != 0 {
            guard errno == ENOENT else { return fail("data folder", "\(folder): \(String(cString: strerror(errno)))") }
            return checkParent(of: folder)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return fail("data folder", "\(folder) is not a folder") }
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            return fail("data folder", "\(folder) can't be read and written: \(String(cString: strerror(errno)))")
        }
        let device = SynchronousDevice()
        do throws(LogError) {
            if access(folder + "/LOCK", F_OK) == 0 { try device.lock(folder + "/LOCK", .shared).release() }
            let free = try device.freeBytes(of: folder)
            note("data folder", "\(folder), \(free >> 20) MiB free, and no server uses it")
        } catch LogError.locked {
            fail("data folder", "a server or another command uses \(folder)")
        } catch {
            fail("data folder", "\(error)")
        }
    }

    private mutating func checkParent(of folder: String) {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        let parent = (folder.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
        guard access(parent.isEmpty ? "." : parent, W_OK | X_OK) == 0 else {
            return fail("data folder", "\(folder) can't be made: \(String(cString: strerror(errno)))")
        }
        note("data folder", "\(folder) will be made")
    }

    private mutating func checkPort(_ settings: Settings) {
        do throws(ListenError) {
            let isLoopbackOnly = settings.tokenKeys == nil
            try ListeningSocket.check(host: settings.host, port: settings.port, isLoopbackOnly: isLoopbackOnly)
            note("port", settings.port == 0 ? "any that is free" : "\(settings.host):\(settings.port) is free")
        } catch {
            fail("port", "\(error)")
        }
    }

    private mutating func checkOpenFiles(_ settings: Settings) {
        let room = OpenFiles.room(forConnections: settings.connectionsMax)
        guard room < settings.connectionsMax else { return note("open files", "enough for \(room) connections") }
        note(
            "open files",
            "enough for \(room) of \(settings.connectionsMax) connections only; raise the limit (ulimit -n, LimitNOFILE=)"
        )
    }

    mutating func note(_ what: String, _ text: String) { lines.append("ok      \(what): \(text)") }

    /// - Parameter isFatal: whether a start would not get past it.
    mutating func fail(_ what: String, _ text: String, _ code: Int32 = Self.unavailable, isFatal: Bool = true) {
        lines.append("FAILED  \(what): \(text)")
        self.isFatal = self.isFatal || isFatal
        // What is wrong with the settings comes first: waiting doesn't help there.
        exitCode = max(exitCode, code)
    }
}

extension SettingsReader.Effective {
    /// The value as it may be printed.
    var shownValue: String {
        guard let value else { return "(none)" }
        return setting.isSecret ? "(not shown)" : value
    }

    /// Where the value comes from.
    var source: String {
        switch origin {
        case .option: setting.option
        case .environment: setting.environmentVariable
        case .file(let path): "\(setting.fileKey) in \(path)"
        case .standard: "default"
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
