using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>
/// Contents of short files, which stand in the metadata: kept under leases, and asked for together when a program reads
/// one file of a directory after the other (grep -r, cp -r, a compiler).
/// </content>
public sealed partial class VfsMount
{
    /// <summary>So soon behind each other, two files of a directory are read one after the other.</summary>
    private static readonly TimeSpan InARow = TimeSpan.FromSeconds(1);

    /// <summary>From so many in a row on others are asked for too: so many at first, then twice as many each time.
    /// </summary>
    private const int ContentsInARow = 2;
    private const int ContentsAtOnceMin = 8;
    private const int ContentsAtOnceMax = 64;

    /// <summary>Content of short files that is kept to be read again.</summary>
    internal ContentCache Contents { get; }

    /// <summary>
    /// The content of a short file is asked for, with that of others beside it, if it seems that they are read next.
    /// </summary>
    internal async ValueTask FetchContentAsync(VfsNode node, CancellationToken cancellation)
    {
        if (!IsUnread(node) || node.FoundIn is not { } directory)
        {
            return;
        }

        List<InodeId> next;
        lock (directory.Gate)
        {
            var (count, at) = directory.ContentsAsked;
            count = _options.Clock.GetElapsedTime(at) < InARow ? count + 1 : 0;
            directory.ContentsAsked = (count, _options.Clock.GetTimestamp());
            if (count < ContentsInARow)
            {
                return;
            }

            var most = Math.Min(ContentsAtOnceMin << Math.Min(count - ContentsInARow, 10), ContentsAtOnceMax);
            next = directory.FilesBehind(
                node.Inode, most - 1, other => _nodes.TryGetValue(other, out var known) && IsUnread(known));
        }

        List<(VfsNode Node, long Stamp)> wanted = [];
        foreach (var inode in next.Prepend(node.Inode))
        {
            var one = NodeOf(inode);
            lock (one.Gate)
            {
                if (IsUnread(one) && Holds(one, LeaseMode.Read) && !one.IsGivingUp && _journal.IsSent(one.ChangedAt)
                    && (one == node || one.File == null))
                {
                    wanted.Add((one, one.Stamp));
                }
            }
        }

        if (wanted.Count < ContentsInARow)
        {
            return;
        }

        var contents = await _cluster
            .ContentsOfAsync([.. wanted.Select(static one => one.Node.Inode)], cancellation).ConfigureAwait(false);
        for (var i = 0; i < wanted.Count; i++)
        {
            var (one, stamp) = wanted[i];
            if (contents[i] is { } content)
            {
                KeepContent(one, content, stamp);
                continue;
            }

            lock (one.Gate)
            {
                one.NoContentAt = stamp;
            }
        }
    }

    /// <summary>What was told of a file is all that is in it, unless that changed since it was asked for.</summary>
    internal void KeepContent(VfsNode node, byte[] content, long stamp)
    {
        lock (node.Gate)
        {
            if (node.Stamp != stamp || node.Known?.Size != content.Length || node.File is { IsWritten: true }
                || node.Content != null || !Holds(node, LeaseMode.Read))
            {
                return;
            }

            (node.Content, node.IsContentUsed) = (content, false);
        }

        Contents.Add(node, content);
    }

    /// <summary>Short, and its content is not here. A glance: looked at again under its gate.</summary>
    private static bool IsUnread(VfsNode node) => node.Content == null && node.NoContentAt != node.Stamp
        && node.Known is { IsFile: true, Size: > 0 and <= NodeChange.ContentBytesMax };
}
