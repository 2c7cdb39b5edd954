using DistFS.Chunkserver.Stores;
using DistFS.Metaserver.Tests;

namespace DistFS.Chunkserver.Tests.Stores;

/// <summary>Who a server is, on its disks.</summary>
public sealed class ServerFileTests
{
    private static readonly ServerFile File = new(
        7,
        new StoreId(0x1122),
        new ClusterId(new UInt128(0xAA, 0xBB)),
        new ServerId(9),
        0x33,
        true,
        0x44,
        [new StoreId(0x55), new StoreId(0x66)]);

    /// <summary>Data folders outlive the version of the program that made them.</summary>
    [Fact]
    public void Its_bytes_are_fixed() => Assert.Equal(
        "4446535601000200" + "0700000000000000" + "2211000000000000" + "AA00000000000000" + "BB00000000000000"
        + "3300000000000000" + "4400000000000000" + "0900000001000000" + "5500000000000000" + "6600000000000000",
        Convert.ToHexString(File.Encode()[..^4]));

    [Fact]
    public void It_is_read_as_it_was_written_and_replaced_as_a_whole()
    {
        using var folder = new TempFolder();
        Assert.Null(ServerFile.TryRead(folder.Path));
        File.Write(folder.Path);
        var known = ServerFile.TryRead(folder.Path)!;
        Assert.Equal(File with { Stores = [] }, known with { Stores = [] });
        Assert.Equal(File.Stores, known.Stores);
        (File with { Generation = 8, Stores = [] }).Write(folder.Path);
        Assert.Equal(8ul, ServerFile.TryRead(folder.Path)!.Generation);
        Assert.Equal([ServerFile.FileName], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void No_bit_of_it_may_be_another()
    {
        var bytes = File.Encode();
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var error = Assert.Throws<DistFsException>(() => ServerFile.Decode(bytes, "f"));
            Assert.Equal(ErrorCatalog.ChunkStoreIdentityLost, error.Code);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Throws<DistFsException>(() => ServerFile.Decode(bytes.AsSpan(0, 20), "f"));
    }

    /// <summary>
    /// A run of which nobody knows whether the cluster took it is gone on with: were it not, the next one would name as
    /// the one before it a run that the cluster never heard of.
    /// </summary>
    [Fact]
    public void A_run_is_followed_by_another_one_once_the_cluster_has_taken_it()
    {
        var first = (File with { Run = 0, IsRunKnown = false, PreviousRun = 0 }).NextRun(100, []);
        Assert.Equal((100ul, 0ul, false), (first.Run, first.PreviousRun, first.IsRunKnown));
        var again = first.NextRun(200, []);
        Assert.Equal((100ul, 0ul, false), (again.Run, again.PreviousRun, again.IsRunKnown));
        var known = again.Known(new ClusterId(1), new ServerId(2));
        var second = known.NextRun(300, []);
        Assert.Equal((300ul, 100ul, false), (second.Run, second.PreviousRun, second.IsRunKnown));
        Assert.Equal((300ul, 100ul), (second.NextRun(400, []).Run, second.NextRun(400, []).PreviousRun));
        Assert.True(first.Generation < again.Generation && again.Generation < known.Generation);
    }
}
