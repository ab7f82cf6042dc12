// swift-tools-version: 6.2
import PackageDescription

// A package of its own, built by `script/fuzz`: everything that reads foreign bytes is compiled with the fuzzer's counters
// and the address sanitizer, the libraries it stands on are not, and whoever builds Holdfast never meets any of it. The
// server is a library here, without its main and its command line. The sources are the same files, through a link.

let instrumented: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
]

let package = Package(
    name: "holdfast-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        .systemLibrary(name: "CLiburing", path: "Sources/CLiburing", pkgConfig: "liburing"),
        .systemLibrary(name: "CLibqrencode", path: "Sources/CLibqrencode", pkgConfig: "libqrencode"),
        .systemLibrary(name: "CPostgres", path: "Sources/CPostgres", pkgConfig: "libpq"),
        .systemLibrary(name: "CPrefetch", path: "Sources/CPrefetch"),
        .target(name: "CChecksum", path: "Sources/CChecksum"),
        .target(
            name: "WAL",
            dependencies: ["CLiburing", "CChecksum"],
            path: "Sources/WAL",
            swiftSettings: instrumented
        ),
        .target(
            name: "Engine",
            dependencies: [
                "CPrefetch", "WAL", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/Engine",
            swiftSettings: instrumented
        ),
        .target(
            name: "Loop",
            dependencies: ["CLiburing", "WAL", .product(name: "NIOCore", package: "swift-nio")],
            path: "Sources/Loop",
            swiftSettings: instrumented
        ),
        .target(
            name: "Auth",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "JWTKit", package: "jwt-kit"),
            ],
            path: "Sources/Auth",
            swiftSettings: instrumented
        ),
        .target(
            name: "Postgres",
            dependencies: ["CPostgres", "Engine", "WAL"],
            path: "Sources/Postgres",
            resources: [
                .embedInCode("Migrations/V1_books.sql"), .embedInCode("Migrations/V2_check_ins.sql"),
                .embedInCode("Migrations/V3_history.sql"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
        .target(
            name: "Server",
            dependencies: [
                "Auth", "CLibqrencode", "Engine", "Loop", "Postgres", "WAL",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Server",
            sources: [
                "Auth", "Documentation", "Front", "HTTP", "JSON", "Limits", "Metrics", "Ops/BooksRendering.swift",
                "Ops/Logging",
                "Ops/Operations.swift", "Rendering", "Routes",
            ],
            swiftSettings: instrumented
        ),
        .systemLibrary(name: "CFuzzer", path: "CFuzzer"),
        .target(
            name: "FuzzTargets",
            dependencies: ["Auth", "Engine", "Server", "WAL", .product(name: "NIOHTTP1", package: "swift-nio")],
            path: "Targets",
            swiftSettings: instrumented
        ),
        .executableTarget(
            name: "Driver",
            dependencies: ["CFuzzer", "FuzzTargets"],
            path: "Driver",
            swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-sanitize=address"])],
            linkerSettings: [.unsafeFlags(["-sanitize=address"]), .linkedLibrary("stdc++"), .linkedLibrary("m")]
        ),
    ]
)
