using System.Text;
using DistFS.Metadata.Reads;

namespace DistFS.Metadata.Tests;

/// <content>Words for the trash.</content>
internal sealed partial class Namespace
{
    public FsStatus SetRetention(InodeId directory, ulong seconds = 0, bool clear = false) => Apply(new Operation
    {
        SetRetention = new SetRetentionRequest { Inode = directory.Value, Seconds = seconds, Clear = clear },
    });

    /// <summary>How long things are kept in a directory, and who says so.</summary>
    public (ulong Seconds, InodeId Directory) Retention(InodeId directory)
    {
        Assert.Equal(FsStatus.Ok, GetRetentionRead.Apply(Reading, directory, out var retention));
        return (retention.Seconds, new InodeId(retention.Directory));
    }

    public FsStatus Restore(InodeId inode, InodeId parent = default, string name = "") => Apply(new Operation
    {
        Restore = new RestoreRequest { Inode = inode.Value, Parent = parent.Value, Name = Bytes(name) },
    });

    public FsStatus Purge(InodeId inode) =>
        Apply(new Operation { Purge = new PurgeRequest { Inode = inode.Value } });

    public FsStatus ListTrash(
        InodeId directory, out TrashPage page, uint entriesMax = 100, ulong afterPurge = 0, ulong afterInode = 0)
    {
        page = new TrashPage();
        return ListTrashRead.Apply(
            Reading,
            new ListTrashRequest
            {
                Directory = directory.Value,
                EntriesMax = entriesMax,
                AfterPurge = afterPurge,
                AfterInode = afterInode,
            },
            page);
    }

    /// <summary>What is in the trash of a directory, by the names that it had.</summary>
    public string[] Trash(InodeId directory)
    {
        Assert.Equal(FsStatus.Ok, ListTrash(directory, out var page, entriesMax: 1024));
        Assert.True(page.IsEnd);
        return [.. page.Entries.Select(entry => Encoding.Latin1.GetString(entry.Name.Span))];
    }

    /// <summary>The time of what follows is later.</summary>
    public void Wait(int seconds) => _now = _now.Plus(TimeSpan.FromSeconds(seconds));
}
