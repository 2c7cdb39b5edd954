namespace DistFS.Native.Tests;

/// <summary>Finding libraries, and what is said when there is none.</summary>
public sealed class NativeLibrariesTests
{
    private static readonly LibrarySpec Absent = new(
        "rocksdb", "RocksDB", "DFS_TEST_NO_SUCH_VARIABLE", ["libno-such.so.1", "libno-such.so"], ["libno-such.dylib"],
        ["no-such.dll"], ["function"]);

    [Fact]
    public void The_libraries_of_this_machine_are_found()
    {
        Assert.True(NativeLibraries.RocksDb.IsLoaded);
        Assert.StartsWith("librocksdb.so.", NativeLibraries.RocksDb.File, StringComparison.Ordinal);
        Assert.Equal("liblz4.so.1", NativeLibraries.Lz4.File);
    }

    [Fact]
    public void A_missing_library_is_an_error_that_names_what_was_tried()
    {
        var lookup = LibraryLookup.Find(Absent);
        Assert.False(lookup.IsLoaded);
        var failure = Assert.Throws<NativeLibraryMissingException>(() => lookup.Require());
        Assert.Equal(ErrorCatalog.NativeLibraryMissing, failure.Code);
        Assert.Contains("libno-such.so.1, libno-such.so", failure.Message, StringComparison.Ordinal);
        Assert.Contains("DFS_TEST_NO_SUCH_VARIABLE", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ID=debian\nVERSION_CODENAME=bookworm", "rocksdb", "apt-get install librocksdb7.8")]
    [InlineData("ID=debian\nVERSION_CODENAME=trixie", "rocksdb", "apt-get install librocksdb9.10")]
    [InlineData("ID=ubuntu\nVERSION_CODENAME=noble", "rocksdb", "apt-get install librocksdb8.9")]
    [InlineData("NAME=\"x\"\nID=\"ubuntu\"\nVERSION_CODENAME=unheard-of", "rocksdb", "apt-cache search librocksdb")]
    [InlineData("ID=debian", "lz4", "apt-get install liblz4-1")]
    [InlineData("ID=fedora", "rocksdb", "dnf install rocksdb")]
    [InlineData("", "rocksdb", "apt-cache search librocksdb")]
    [InlineData("no equals sign", "lz4", "liblz4")]
    public void The_package_of_the_distribution_is_named(string release, string library, string expected)
    {
        var distribution = Distribution.Parse(release.Split('\n'));
        var text = NativeLibraryMissingException.Describe(Absent with { Name = library }, null, distribution);
        Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_that_names_no_library_is_said_to()
    {
        var spec = Absent with { Variable = "DFS_TEST_BAD_LIBRARY" };
        Environment.SetEnvironmentVariable(spec.Variable, "/no/such/file.so");
        var failure = Assert.Throws<NativeLibraryMissingException>(() => LibraryLookup.Find(spec).Require());
        Assert.Contains("DFS_TEST_BAD_LIBRARY names '/no/such/file.so'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_wins_over_the_usual_names()
    {
        var spec = Absent with { Variable = "DFS_TEST_GOOD_LIBRARY", Needs = ["LZ4_versionNumber"] };
        Environment.SetEnvironmentVariable(spec.Variable, "liblz4.so.1");
        Assert.Equal("liblz4.so.1", LibraryLookup.Find(spec).File);
    }

    [Fact]
    public void A_library_without_a_function_is_unfit()
    {
        var spec = Absent with { Linux = ["liblz4.so.1"], Needs = ["LZ4_versionNumber", "LZ4_of_the_future"] };
        var failure = Assert.Throws<NativeLibraryUnfitException>(() => LibraryLookup.Find(spec).Require());
        Assert.Equal(ErrorCatalog.NativeLibraryUnfit, failure.Code);
        Assert.Contains("LZ4_of_the_future", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_self_check_finds_this_machine_sound_and_leaves_nothing()
    {
        using var folder = new TempFolder();
        var results = NativeSelfCheck.Run(folder.Path);
        Assert.Equal(["rocksdb", "lz4", "libc", "crc32c"], results.Select(result => result.Name));
        Assert.All(results, result => Assert.True(result.Ok && result.Detail.Length > 0, result.ToString()));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void The_self_check_reports_a_folder_that_cannot_be_used()
    {
        var results = NativeSelfCheck.Run("/proc/no-such-folder");
        var rocksDb = results.Single(result => result.Name == "rocksdb");
        Assert.False(rocksDb.Ok);
        Assert.NotNull(rocksDb.Error);
        Assert.NotNull(rocksDb.Code);
        Assert.True(results.Single(result => result.Name == "lz4").Ok);
    }
}
