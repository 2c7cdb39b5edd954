using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <content>Files that are missing, changed as a whole, or another's.</content>
public sealed partial class LogRecoveryTests
{
    [Theory]
    [InlineData("hardstate", 1305)]
    [InlineData("identity", 1304)]
    [InlineData("base", 1306)]
    public void ASmallFileThatIsGoneOrDamagedInEveryCopyIsRefused(string name, int code)
    {
        var gone = Filled();
        gone.Remove(name);
        Assert.Equal(code, Assert.Throws<StoreRefusedException>(() => Stores.Open(gone)).Code.Number);
        var damaged = Filled();
        foreach (ref var b in damaged.Bytes(name).AsSpan())
        {
            b ^= 0x40;
        }

        Assert.Equal(code, Assert.Throws<StoreRefusedException>(() => Stores.Open(damaged)).Code.Number);
        var empty = Filled();
        empty.Put(name, []);
        Assert.Equal(code, Assert.Throws<StoreRefusedException>(() => Stores.Open(empty)).Code.Number);
    }

    [Theory]
    [InlineData("remove")]
    [InlineData("empty")]
    [InlineData("rename")]
    [InlineData("copy")]
    [InlineData("malformed")]
    public void OtherHarmToTheLastFileIsRefusedOrHealed(string harm)
    {
        var disk = Filled();
        var last = LastFile(disk);
        switch (harm)
        {
            case "remove":
                disk.Remove(last);
                break;
            case "empty":
                disk.Put(last, []);
                break;
            case "rename":
                disk.Put("log-00000000000000000900.seg", disk.Bytes(last));
                disk.Remove(last);
                break;
            case "copy":
                disk.Put("log-00000000000000000900.seg", disk.Bytes(last));
                break;
            default:
                disk.Put("log-9.seg", []);
                break;
        }

        if (harm == "empty")
        {
            using var store = Stores.Open(disk);
            Assert.False(AssertPrefix(store));
            return;
        }

        var error = Assert.Throws<StoreRefusedException>(() => Stores.Open(disk));
        Assert.Equal(ErrorCatalog.LogCorrupt, error.Code);
    }

    [Fact]
    public void AFileOfAnotherStoreOrFormatIsRefused()
    {
        var other = new FaultyDisk();
        RaftStore.Format(other, Stores.Identity with { Store = new StoreId(99) }, Stores.Three);
        Stores.Open(other).Dispose();
        foreach (var name in other.List().Where(name => name != "identity"))
        {
            var disk = Stores.Format();
            Stores.Open(disk).Dispose();
            disk.Put(name, other.Bytes(name));
            Assert.Equal(
                ErrorCatalog.StoreForeign, Assert.Throws<StoreRefusedException>(() => Stores.Open(disk)).Code);
        }

        var mine = Stores.Format();
        Assert.Equal(ErrorCatalog.StoreForeign, Assert.Throws<StoreRefusedException>(() => RaftStore.Open(
            mine, Stores.Options, new Prng(1), Stores.Identity with { Member = new MemberId(3) })).Code);
        Assert.Equal(ErrorCatalog.StoreExists, Assert.Throws<StoreRefusedException>(
            () => RaftStore.Format(mine, Stores.Identity, Stores.Three)).Code);
        Assert.Equal(
            ErrorCatalog.StoreWiped, Assert.Throws<StoreRefusedException>(() => Stores.Open(new FaultyDisk())).Code);
    }

    [Fact]
    public void AnOlderHardStateThanTheLogIsRefused()
    {
        var store = Stores.New(out var disk);
        byte[] old = [.. disk.Bytes("hardstate")];
        store.SetHardState(Stores.Hard(2));
        store.AppendSynced(Stores.Entry(2, 1));
        disk.Put("hardstate", old);
        Assert.Equal(
            ErrorCatalog.HardStateCorrupt, Assert.Throws<StoreRefusedException>(() => Stores.Open(disk)).Code);
    }
}
