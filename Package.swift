// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "HoldfastEngine", targets: ["Engine"]),
        .executable(name: "holdfast", targets: ["Server"]),
        .executable(name: "holdfast-bench", targets: ["Bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(
            name: "CLibqrencode",
            pkgConfig: "libqrencode",
            providers: [.apt(["libqrencode-dev"])]
        ),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CPrefetch"),
        .target(name: "CChecksum"),
        // Counts heap allocations; only the bench runner links it.
        .target(name: "CAllocationCount"),
        .target(name: "WAL", dependencies: ["CLiburing", "CChecksum"], swiftSettings: strict),
        .target(
            name: "Engine",
            dependencies: [
                "CPrefetch", "WAL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Loop",
            dependencies: ["CLiburing", "WAL", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict
        ),
        .target(
            name: "Postgres",
            dependencies: ["CPostgres", "Engine", "WAL"],
            resources: [
                .embedInCode("Migrations/V1_books.sql"), .embedInCode("Migrations/V2_check_ins.sql"),
                .embedInCode("Migrations/V3_history.sql"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Auth",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "JWTKit", package: "jwt-kit"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Server",
            dependencies: [
                "Auth", "CLibqrencode", "Engine", "Loop", "Postgres", "WAL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: [.embedInCode("Resources/docs.css"), .embedInCode("Resources/openapi.json")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Auth", "CAllocationCount", "CLinux", "Engine", "WAL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "WALTests", dependencies: ["WAL"], swiftSettings: strict),
        // What the engine should do, worked out a second time, for the tests of every level.
        .target(
            name: "ReferenceModel",
            dependencies: ["Engine", "WAL"],
            path: "Tests/ReferenceModel",
            swiftSettings: strict
        ),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "ReferenceModel", "WAL"], swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Engine", "ReferenceModel", "WAL", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LoopTests",
            dependencies: ["Loop", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict
        ),
        // A real one in a temporary folder, for tests.
        .target(name: "PostgresServer", path: "Tests/PostgresServer", swiftSettings: strict),
        // Holds rows against the state that they are to show.
        .target(
            name: "BookCheck",
            dependencies: ["Engine", "Postgres", "WAL"],
            path: "Tests/BookCheck",
            swiftSettings: strict
        ),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["BookCheck", "Engine", "Postgres", "PostgresServer", "ReferenceModel", "WAL"],
            swiftSettings: strict
        ),
        .testTarget(name: "AuthTests", dependencies: ["Auth"], swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Auth", "Loop", "Server",
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        // What `script/fuzz` feeds, with the inputs that were found; its own package builds the fuzzer.
        .testTarget(
            name: "FuzzTests",
            dependencies: ["Auth", "Engine", "Server", "WAL", .product(name: "NIOHTTP1", package: "swift-nio")],
            path: "Tests/Fuzz",
            exclude: ["CFuzzer", "Corpora", "Driver", "Package.swift", "Sources"],
            sources: ["Targets", "Replay"],
            swiftSettings: strict
        ),
        // Knows the program only from outside: its HTTP answers, its exit codes and FORMAT.md; but for the rows of its books,
        // which are held against the state that is found in its folder.
        .testTarget(name: "CrashTests", dependencies: ["BookCheck", "PostgresServer"], swiftSettings: strict),
        .testTarget(
            name: "BenchTests",
            dependencies: ["Bench", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: strict
        ),
    ]
)
