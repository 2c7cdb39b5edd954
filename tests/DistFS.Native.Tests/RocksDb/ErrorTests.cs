using System.Reflection;
using System.Runtime.InteropServices;
using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>The translation of error texts (util/status.cc of RocksDB 7.8.3), and the binding itself.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("IO error: While lock file: /d/LOCK: Resource temporarily unavailable", 1110, FsStatus.Busy)]
    [InlineData("IO error: lock hold by current process, acquire time 1: /d/LOCK: x", 1110, FsStatus.Busy)]
    [InlineData("Corruption: block checksum mismatch: stored = 1, computed = 2", 1111, FsStatus.Corrupt)]
    [InlineData("Corruption: IO error: No such file or directory: /d/000009.sst", 1111, FsStatus.Corrupt)]
    [InlineData("IO error: No such file or directory: While opening: /d/MANIFEST-000005", 1111, FsStatus.Corrupt)]
    [InlineData("Corruption: Corrupt or unsupported format_version: 4294967295 in /d/1.sst", 1111, FsStatus.Corrupt)]
    [InlineData("Corruption: Corrupt or unsupported format_version: 7 in /d/1.sst", 1112, FsStatus.NotSupported)]
    [InlineData("Corruption: Corrupt or unsupported checksum type: 9 in /d/1.sst", 1112, FsStatus.NotSupported)]
    [InlineData("Invalid argument: Column families not opened: a, b", 1112, FsStatus.NotSupported)]
    [InlineData("Invalid argument: x: does not match existing comparator y", 1112, FsStatus.NotSupported)]
    [InlineData("IO error: No space left on device: While appending to file: /d/000004.log", 1113, FsStatus.NoSpace)]
    [InlineData("Corruption: IO error: No space left on device: /d/000004.log", 1113, FsStatus.NoSpace)]
    [InlineData("IO error: Disk quota exceeded: While appending to file: /d/000004.log", 1113, FsStatus.NoSpace)]
    [InlineData("IO error: While fsync: /d/000004.log: Input/output error", 1114, FsStatus.IoError)]
    [InlineData("IO error: No such file or directory: While open a file: /in/a.sst", 1114, FsStatus.IoError)]
    [InlineData("Invalid argument: Keys must be added in strict ascending order.", 1115, FsStatus.Invalid)]
    [InlineData("Not implemented: Not supported operation in read only mode.", 1115, FsStatus.NotSupported)]
    [InlineData("Resource busy: ", 1115, FsStatus.Busy)]
    [InlineData("Operation timed out: ", 1115, FsStatus.TimedOut)]
    [InlineData("Something that a later version says", 1115, FsStatus.Invalid)]
    public void Texts_become_types(string text, int code, FsStatus status)
    {
        var failure = RocksDbErrors.Classify(text, "/d");
        Assert.Equal(code, failure.Code.Number);
        Assert.Equal(status, failure.Status);
        Assert.Equal(text, failure.EngineText);
        Assert.Equal("/d", failure.Path);
        Assert.Contains(text, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_function_that_is_bound_exists_in_the_library()
    {
        var library = NativeLibraries.RocksDb.Require();
        var names = typeof(RocksNative)
            .GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Select(method => method.GetCustomAttribute<DllImportAttribute>()?.EntryPoint)
            .OfType<string>()
            .ToList();
        Assert.True(names.Count > 100);
        Assert.All(names, name => Assert.True(NativeLibrary.TryGetExport(library, name, out _), name));
    }
}
