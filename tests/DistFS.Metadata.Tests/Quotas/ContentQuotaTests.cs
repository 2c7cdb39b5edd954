using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Quotas;

/// <summary>What a file stores is charged to its quota: when it is committed, not when it is allocated.</summary>
public sealed class ContentQuotaTests
{
    private readonly Files _files = new();
    private readonly InodeId _top;
    private readonly InodeId _file;

    public ContentQuotaTests()
    {
        _top = _files.Fs.Directory(InodeId.Root, "top");
        Assert.Equal(FsStatus.Ok, _files.Fs.SetQuota(_top, bytesMax: 100));
        _file = _files.Fs.File(_top, "f");
    }

    private ulong Used => _files.Fs.Quota(_top).Bytes;

    [Fact]
    public void Bytes_in_the_metadata()
    {
        Assert.Equal(FsStatus.Ok, _files.Write(_file, 0, new byte[100]));
        Assert.Equal(FsStatus.QuotaExceeded, _files.Write(_file, 100, [1]));
        Assert.Equal((100UL, 100L), (Used, _files.Size(_file)));

        // What is stored already may be written over, and a file without bytes may be long.
        Assert.Equal(FsStatus.Ok, _files.Write(_file, 0, new byte[100]));
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 1 << 30));
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 99));
        Assert.Equal(99UL, Used);
        Assert.Equal(FsStatus.Ok, _files.Punch(_file, 9, 90));
        Assert.Equal(9UL, Used);
        _files.Sound();
    }

    [Fact]
    public void Chunks_when_they_are_committed()
    {
        var chunk = _files.Open(_file, 1, 101);
        Assert.Equal(0UL, Used);
        Assert.Equal(FsStatus.QuotaExceeded, _files.Commit(_file, chunk));
        Assert.Equal(FsStatus.QuotaExceeded, _files.NewVersion(_file, chunk));
        Assert.Equal((0UL, 0u, 0L), (Used, _files.RowAt(_file, 1).Length, _files.Size(_file)));
        _files.Sound();

        // The fence itself needs no room.
        chunk.Length = 0;
        Assert.Equal(FsStatus.Ok, _files.NewVersion(_file, chunk));
        chunk = _files.Open(_file, 1, 100);
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, chunk));
        Assert.Equal(100UL, Used);
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, Files.Chunk + 60));
        Assert.Equal(60UL, Used);
        Assert.Equal(FsStatus.Ok, _files.Fs.Unlink(_top, "f"));
        Assert.Equal(60UL, Used);
        _files.Fs.Collect();
        Assert.Equal(0UL, Used);
        _files.Sound();
    }

    [Fact]
    public void A_replacement_when_it_is_installed_by_what_it_has_more()
    {
        Assert.Equal(FsStatus.Ok, _files.Write(_file, 0, new byte[80]));
        var replacement = _files.Open(_file, 0, 101);
        Assert.Equal(80UL, Used);
        Assert.Equal(FsStatus.QuotaExceeded, _files.Install(_file, replacement));
        Assert.Equal((80UL, 80L), (Used, _files.Size(_file)));
        replacement.Length = 100;
        Assert.Equal(FsStatus.Ok, _files.Install(_file, replacement));
        Assert.Equal((100UL, 100L), (Used, _files.Fs.Row(_file).Allocated));
        _files.Sound();
    }

    /// <summary>Nobody sends 64 MiB to be told at the commit that nothing of it fits.</summary>
    [Fact]
    public void Nothing_is_allocated_for_what_cannot_be_committed()
    {
        Assert.Equal(FsStatus.Ok, _files.Fs.SetQuota(_top, bytesMax: 100));
        Assert.Equal(FsStatus.Ok, _files.Write(_file, 0, new byte[99]));
        var last = _files.Open(_file, 1, 1);
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, last));
        Assert.Equal(FsStatus.QuotaExceeded, _files.Allocate(_file, 2));

        // What takes the place of something, or may be written over, needs no more than there is.
        Assert.Equal(FsStatus.Ok, _files.Allocate(_file, 0, 1));
        Assert.Equal(FsStatus.QuotaExceeded, _files.Allocate(_file, 0, 3));
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 99));
        Assert.Equal(FsStatus.Ok, _files.Allocate(_file, 2));
        _files.Sound();
    }

    [Fact]
    public void Each_file_pays_for_what_it_shares()
    {
        var outside = _files.FileOf("g", 70);
        Assert.Equal(FsStatus.Ok, _files.Share(outside, 0, _file, 0, 70));
        Assert.Equal(70UL, Used);
        Assert.Equal(FsStatus.QuotaExceeded, _files.Share(outside, 0, _file, Files.Chunk, 70));
        Assert.Equal(2u, _files.RowAt(outside, 0).References);
        Assert.Equal(FsStatus.Ok, _files.Share(outside, 0, _file, 0, 70));
        Assert.Equal(70UL, Used);
        _files.Sound();
    }

    [Fact]
    public void What_was_cut_off_when_it_is_released()
    {
        Assert.Equal(FsStatus.Ok, _files.Fs.SetQuota(_top, bytesMax: 1 << 20));
        _files.Fs.Placements = Files.PlacementsOf(2 * ChunkLayout.StepMax, 1, 2);
        const int Count = ChunkLayout.StepMax + 10;
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(FsStatus.Ok, _files.Commit(_file, _files.Open(_file, (ulong)i, 10)));
        }

        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 0));
        Assert.Equal(Count * 10UL, Used);
        Assert.True(_files.Fs.Collect(Count - 5).More);
        Assert.Equal(50UL, Used);
        _files.Sound();
        Assert.Equal((5u, false), (_files.Fs.Collect(Count).Rows, _files.Fs.Collect(Count).More));
        Assert.Equal(0UL, Used);
        _files.Sound();
    }

    [Fact]
    public void A_list_of_who_may_write_holds_for_content()
    {
        var list = Acls.AclText.Value("u::rw-,u:7:rw-,u:8:r--,g::---,m::rw-,o::---");
        Assert.Equal(FsStatus.Ok, _files.Fs.SetXattr(_file, "system.posix_acl_access", list));
        var copy = _files.Fs.File(InodeId.Root, "copy", 0b110_110_110);
        _files.Fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.Ok, _files.Write(_file, 0, [1]));
        _files.Fs.Caller = Namespace.User(8, 8);
        Assert.Equal(FsStatus.AccessDenied, _files.Write(_file, 0, [1]));
        Assert.Equal(FsStatus.Ok, _files.Share(_file, 0, copy, 0, 1));
        _files.Fs.Caller = Namespace.User(9, 9);
        Assert.Equal(FsStatus.AccessDenied, _files.Share(_file, 0, copy, 0, 1));
        Assert.Equal(InodeFlags.AccessAcl, _files.Fs.Row(_file).Flags);
    }
}
