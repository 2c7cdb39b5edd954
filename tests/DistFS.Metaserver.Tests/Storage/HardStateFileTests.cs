using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

public sealed class HardStateFileTests
{
    /// <summary>A vote in one term is on disk before it is told, and no torn write of a later one takes it
    /// back.</summary>
    [Fact]
    public void ATornWriteNeverTakesAVoteBack()
    {
        for (var step = 1; step < 60; step++)
        {
            for (ulong chance = 0; chance < 20; chance++)
            {
                var store = Stores.New(out var disk);
                disk.CrashAt(disk.Steps + step);
                var synced = 0UL;
                try
                {
                    for (ulong term = 2; term < 12; term++)
                    {
                        store.SetHardState(Stores.Hard(term, vote: term));
                        if (term % 3 != 0)
                        {
                            store.Sync();
                            synced = term;
                        }

                        store.AppendSynced(Stores.Entry(1, store.Last.Index.Value + 1));
                        synced = term;
                    }
                }
                catch (CrashedException)
                {
                    using var again = Stores.Open(disk.AfterCrash(CrashMode.Torn, chance));
                    Assert.True(again.HardState.Term.Value >= synced);
                    Assert.Equal(again.HardState.Term.Value, Math.Max(1, again.HardState.Vote.Value));
                }
            }
        }
    }

    /// <summary>Which of two votes is on disk after a failed sync is not known, so the next process writes over
    /// neither.</summary>
    [Fact]
    public void AVoteWhoseSyncFailedAndATornStartTakeNoVoteBack()
    {
        var starts = 0;
        for (var step = 1; ; step++)
        {
            for (ulong chance = 0; chance < 30; chance++)
            {
                var store = Stores.New(out var disk);
                store.SetHardState(Stores.Hard(2, vote: 2));
                store.Sync();
                store.SetHardState(Stores.Hard(3, vote: 3));
                disk.FailAt = (disk.Steps + 3, () => new IOException("Input/output error."));
                Assert.Throws<StoreFailedException>(store.Sync);
                disk.CrashAt(disk.Steps + step);
                if (Record.Exception(() => Stores.Open(disk).Dispose()) is not { } crash)
                {
                    Assert.True(starts > 100);
                    return;
                }

                Assert.IsType<CrashedException>(crash);
                starts++;
                var mode = chance == 0 ? CrashMode.EachTorn : CrashMode.Torn;
                using var again = Stores.Open(disk.AfterCrash(mode, chance));
                Assert.True(again.HardState.Term.Value >= 2);
                Assert.Equal(again.HardState.Term.Value, again.HardState.Vote.Value);
            }
        }
    }

    [Fact]
    public void AFormatThatIsNotKnownIsRefused()
    {
        using var first = Stores.New(out var disk);
        var bytes = disk.Bytes("hardstate");
        for (var at = 0; at < bytes.Length; at += 4096)
        {
            bytes[at + 4] = 9;
            BitConverter.TryWriteBytes(bytes.AsSpan(at + 84), Crc32C.Compute(bytes.AsSpan(at, 84)));
        }

        var error = Assert.Throws<StoreRefusedException>(() => Stores.Open(disk));
        Assert.Equal(ErrorCatalog.StoreFormatUnknown, error.Code);
        Assert.Contains("9", error.Message, StringComparison.Ordinal);
    }
}
