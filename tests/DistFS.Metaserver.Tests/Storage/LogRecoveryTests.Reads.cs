using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <content>A disk that cannot read: neither damage nor a torn write, for the bytes may be good.</content>
public sealed partial class LogRecoveryTests
{
    [Fact]
    public void ASectorThatCannotBeReadEndsTheStartAndChangesNothing()
    {
        var disk = Filled();
        foreach (var name in disk.List())
        {
            for (var at = 0; at < disk.Bytes(name).Length; at += 512)
            {
                var failing = disk.Copy();
                var asked = 0;
                failing.Unreadable = (file, offset, count) =>
                {
                    var isHit = file == name && offset <= at && offset + count > at;
                    asked += isHit ? 1 : 0;
                    return isHit;
                };
                if (TryOpen(failing) is { } error)
                {
                    Assert.Equal(ErrorCatalog.DiskFailed, error.Code);
                    Assert.Contains("replace the disk", error.Message, StringComparison.Ordinal);
                    Assert.Equal(1 + StoreFile.ReadRetries, asked);
                }
                else
                {
                    Assert.Equal(0, asked);
                }

                failing.Unreadable = (_, _, _) => false;
                AssertSameFiles(disk, failing);
                using var store = Stores.Open(failing);
                Assert.True(AssertPrefix(store));
                Assert.Empty(store.Findings);
            }
        }
    }

    [Fact]
    public void AReadThatSucceedsAtALaterTryIsNoFailure()
    {
        var disk = Filled();
        var failed = 0;
        disk.Unreadable = (_, _, _) => ++failed % (StoreFile.ReadRetries + 1) != 0;
        using var store = Stores.Open(disk);
        Assert.True(failed > StoreFile.ReadRetries);
        Assert.True(AssertPrefix(store));
        Assert.Empty(store.Findings);
    }

    /// <summary>Also a torn tail is not cut before all was read.</summary>
    [Fact]
    public void NothingIsCutWhileTheTailCannotBeRead()
    {
        var store = Stores.New(out var disk);
        store.AppendSynced(Stores.Entries(1, 1, 3));
        store.Append(Stores.Entries(1, 4, 6));
        var crashed = disk.AfterCrash(CrashMode.KeepAll, 0);
        var file = LastFile(crashed);
        byte[] before = [.. crashed.Bytes(file)];
        crashed.Unreadable = (name, _, _) => name == file;
        Assert.Throws<StoreFailedException>(() => Stores.Open(crashed));
        Assert.Equal(before, crashed.Bytes(file));
        crashed.Unreadable = (_, _, _) => false;
        using var again = Stores.Open(crashed);
        Assert.Equal(Stores.Id(1, 6), again.Last);
    }

    private static StoreFailedException? TryOpen(FaultyDisk disk)
    {
        try
        {
            Stores.Open(disk).Dispose();
            return null;
        }
        catch (StoreFailedException error)
        {
            return error;
        }
    }

    private static void AssertSameFiles(FaultyDisk expected, FaultyDisk actual)
    {
        Assert.Equal(expected.List(), actual.List());
        foreach (var name in expected.List().Where(name => name != "hardstate"))
        {
            // Opening replaces 'hardstate' by what it says before it reads anything else.
            Assert.Equal(expected.Bytes(name), actual.Bytes(name));
        }
    }
}
