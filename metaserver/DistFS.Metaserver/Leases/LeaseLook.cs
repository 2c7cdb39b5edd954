using DistFS.Metadata.Leases;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Leases;

/// <summary>
/// A read sees what others have buffered: nobody else has a write lease of what it looks at, at some moment after it
/// began and before the state is read. What a name stands for it knows only afterwards, and then looks again.
/// </summary>
internal sealed class LeaseLook(LeaseKeeper keeper, ClientId session, ServerCall call, TimeSpan timeoutMax)
{
    private const int AttemptsMax = 8;

    private readonly LeaseTicket _ticket = new(LeaseTicketKind.Look, session);
    private int _attempts;
    private bool _isFree;

    /// <summary>Adds an inode.</summary>
    public void Add(ulong inode) => _ticket.Need(LeaseNeedKind.Look, inode);

    /// <summary>Adds what the reads name.</summary>
    public void Add(ReadRequest request)
    {
        foreach (var operation in request.Operations)
        {
            var inode = operation.KindCase switch
            {
                ReadOperation.KindOneofCase.Lookup => operation.Lookup.Parent,
                ReadOperation.KindOneofCase.GetAttributes => operation.GetAttributes.Inode,
                ReadOperation.KindOneofCase.ReadLink => operation.ReadLink.Inode,
                ReadOperation.KindOneofCase.Access => operation.Access.Inode,
                ReadOperation.KindOneofCase.GetXattr => operation.GetXattr.Inode,
                ReadOperation.KindOneofCase.ListXattrs => operation.ListXattrs.Inode,
                ReadOperation.KindOneofCase.Walk => operation.Walk.From,
                ReadOperation.KindOneofCase.GetFileMap => operation.GetFileMap.Inode,
                _ => 0UL,
            };
            if (inode != 0)
            {
                Add(inode);
            }
        }
    }

    /// <summary>Waits for all of them; not null: the answer, nothing may be read.</summary>
    public async ValueTask<LeaseStatus?> WaitAsync()
    {
        _isFree = keeper.IsReadFree;
        if (_isFree)
        {
            return null;
        }

        if (++_attempts > AttemptsMax)
        {
            return keeper.Answer(LeaseRefusal.NotInTime);
        }

        var limit = 0.75 * (call.TimeRemaining < timeoutMax ? call.TimeRemaining : timeoutMax);
        var refusal = await keeper.EnterAsync(_ticket, limit, call.CancellationToken).ConfigureAwait(false);
        keeper.Leave(_ticket);
        return refusal == LeaseRefusal.None ? null : keeper.Answer(refusal);
    }

    /// <summary>Whether the reply tells of nothing that was not waited for; else that is added.</summary>
    public bool HasSeen(ReadReply reply)
    {
        var hasSeen = true;
        if (_isFree)
        {
            return hasSeen;
        }

        foreach (var read in reply.Replies)
        {
            hasSeen &= read.Attributes is not { } told || HasSeen(told.Inode);
            foreach (var step in read.Walked)
            {
                hasSeen &= HasSeen(step.Inode);
            }
        }

        return hasSeen;
    }

    private bool HasSeen(ulong inode)
    {
        var hasSeen = _ticket.Covers(new LeaseNeed(LeaseNeedKind.Look, inode));
        if (!hasSeen)
        {
            Add(inode);
        }

        return hasSeen;
    }
}

/// <summary>A page of a directory without the attributes of what other sessions write.</summary>
/// <param name="page">The page.</param>
/// <param name="keeper">Null: nobody writes anything.</param>
/// <param name="session">Who reads.</param>
internal struct LeasedPage(DirectoryPage page, LeaseKeeper? keeper, ClientId session) : IDirectoryVisitor
{
    private DirectoryPage _page = page;

    /// <summary>As it is now.</summary>
    public readonly DirectoryPage Page => _page;

    /// <inheritdoc/>
    public void Take(in DirectoryEntry entry, in InodeRow attributes)
    {
        if (!entry.HasAttributes || keeper == null || !keeper.IsWrittenByOthers(session, entry.Inode))
        {
            _page.Take(entry, attributes);
            return;
        }

        _page.Take(
            new DirectoryEntry
            {
                Cookie = entry.Cookie,
                Name = entry.Name,
                Inode = entry.Inode,
                Kind = entry.Kind,
                HasAttributes = false,
            },
            attributes);
    }
}
