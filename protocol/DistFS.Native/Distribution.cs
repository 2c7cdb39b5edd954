namespace DistFS.Native;

/// <summary>Names the packages of the running system, so that an error can say what to type.</summary>
/// <param name="Id">ID of /etc/os-release ("debian"), "macos", "windows", or empty.</param>
/// <param name="Codename">VERSION_CODENAME ("bookworm"), or empty.</param>
internal sealed record Distribution(string Id, string Codename)
{
    private static readonly Lazy<Distribution> Detected = new(Detect);

    /// <summary>The running system.</summary>
    public static Distribution Current => Detected.Value;

    /// <summary>Reads the lines of /etc/os-release (os-release(5): KEY=value, the value perhaps in quotes).</summary>
    public static Distribution Parse(IEnumerable<string> lines)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var split = line.IndexOf('=', StringComparison.Ordinal);
            if (split > 0)
            {
                values[line[..split].Trim()] = line[(split + 1)..].Trim().Trim('"', '\'');
            }
        }

        return new Distribution(
            values.GetValueOrDefault("ID", string.Empty), values.GetValueOrDefault("VERSION_CODENAME", string.Empty));
    }

    /// <summary>One sentence that says how to install a library.</summary>
    /// <param name="library">As in LibraryImport.</param>
    public string HowToInstall(string library) => (Id, Codename, library) switch
    {
        ("macos", _, NativeLibraries.RocksDbName) => "Install it with: brew install rocksdb.",
        ("macos", _, _) => "Install it with: brew install lz4.",
        ("windows", _, NativeLibraries.RocksDbName) =>
            "Put rocksdb.dll beside the program, for instance from: vcpkg install rocksdb[lz4]:x64-windows.",
        ("windows", _, _) => "Put liblz4.dll beside the program (it is optional).",
        ("debian", "bookworm", NativeLibraries.RocksDbName) => Apt("librocksdb7.8"),
        ("debian", "trixie", NativeLibraries.RocksDbName) => Apt("librocksdb9.10"),
        ("ubuntu", "noble", NativeLibraries.RocksDbName) => Apt("librocksdb8.9"),
        ("fedora" or "rhel" or "centos" or "rocky" or "almalinux", _, NativeLibraries.RocksDbName) =>
            "Install it with: dnf install rocksdb.",
        ("alpine", _, NativeLibraries.RocksDbName) => "Install it with: apk add rocksdb.",
        ("arch", _, NativeLibraries.RocksDbName) => "Install it with: pacman -S rocksdb.",
        ("debian" or "ubuntu", _, NativeLibraries.Lz4Name) => Apt("liblz4-1"),
        (_, _, NativeLibraries.RocksDbName) =>
            "Install the package of librocksdb; on Debian and Ubuntu 'apt-cache search librocksdb' tells its name.",
        _ => "Install the package of liblz4 (liblz4-1 on Debian and Ubuntu).",
    };

    private static string Apt(string package) => $"Install it with: apt-get install {package}.";

    private static Distribution Detect()
    {
        if (OperatingSystem.IsMacOS())
        {
            return new Distribution("macos", string.Empty);
        }

        if (OperatingSystem.IsWindows())
        {
            return new Distribution("windows", string.Empty);
        }

        const string Release = "/etc/os-release";
        try
        {
            return Parse(File.ReadLines(Release));
        }
        catch (IOException)
        {
            // A minimal container has no such file: the general advice is given.
            return new Distribution(string.Empty, string.Empty);
        }
    }
}
