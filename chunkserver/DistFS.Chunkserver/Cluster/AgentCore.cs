using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Cluster;

/// <summary>
/// What a chunk server says to the leading metaserver and does about its answers (docs/design/chunkserver.md), as
/// decisions: replies and facts go in, what to send and to do comes out. No clock, no network, no disk, no thread: one
/// caller at a time.
/// </summary>
/// <remarks>
/// Two conversations go on beside each other: heartbeats, one at a time, and <see cref="NextWork"/>, one at a time. A
/// turn begins when the server has to register or to tell everything again; what answers an earlier turn is not
/// listened to.
/// </remarks>
internal sealed partial class AgentCore
{
    /// <summary>Results, losses, copies or deletions in one message.</summary>
    internal const int PageMax = 1_024;

    private readonly AgentIdentity _identity;
    private readonly Losses _losses = new();
    private readonly CopyBook _copies = new();
    private readonly Deletions _deletions = new();
    private ServerId _server;
    private int _turn;

    // Of the last reply that named one. What is looked at from now on is known to be of this position or later.
    private ulong _position;

    // The next page of the inventory begins here.
    private ulong _next;
    private bool _tellsAgain;

    /// <summary>A server that has to register.</summary>
    public AgentCore(AgentIdentity identity)
    {
        Check.That(identity.Run != 0 && identity.Store.Value != 0);
        (_identity, _server) = (identity, identity.Server);
    }

    /// <summary>Where it is.</summary>
    public AgentPhase Phase { get; private set; }

    /// <summary>Why it must not go on; null while it may.</summary>
    public DistFsException? Failure { get; private set; }

    /// <summary>Its id; zero before it first registered.</summary>
    public ServerId Server => _server;

    /// <summary>Copies that are lost and that the leader is told of.</summary>
    public int LossCount => _losses.Count;

    /// <summary>Orders to delete that are not confirmed.</summary>
    public int DeletionCount => _deletions.Count;

    /// <summary>From which chunk on it still has to tell what it has.</summary>
    public ChunkId ToldUpTo => new(_next);

    /// <summary>What is to be done next; null: nothing until something is answered, told, or ends.</summary>
    public AgentWork? NextWork()
    {
        switch (Phase)
        {
            case AgentPhase.Registering:
                return new AgentWork.Register(new RegisterServerRequest
                {
                    Server = _server.Value,
                    Store = _identity.Store.Value,
                    Incarnation = _identity.Run,
                    PreviousIncarnation = _identity.PreviousRun,
                    Address = _identity.Address,
                    Rack = _identity.Rack,
                });
            case AgentPhase.Telling or AgentPhase.Through when Phase == AgentPhase.Telling || _tellsAgain:
                return new AgentWork.Page(
                    new InventoryRequest
                    {
                        Server = _server.Value,
                        Incarnation = _identity.Run,
                        First = _next,
                        Position = _position,
                    },
                    _turn);
            case AgentPhase.Positioning or AgentPhase.Through:
                return NextDeletion();
            default:
                return null;
        }
    }

    /// <summary>The cluster knows this run from here on; that it does is on the disk already.</summary>
    public void Registered(RegisterServerAnswer answer)
    {
        if (Phase != AgentPhase.Registering)
        {
            return;
        }

        if (answer.Answer.Status != 0)
        {
            // Somebody decided: to say it again changes nothing.
            Fail(answer.Answer, $"The cluster does not take this chunk server ({(FsStatus)answer.Answer.Status}).");
            return;
        }

        (_server, Phase) = (new ServerId(answer.Server), AgentPhase.Positioning);
        _turn++;
    }

    /// <summary>A page was answered; its fences are on the disk already.</summary>
    /// <returns>Copies that deletions end.</returns>
    public AgentOrders PageAnswered(AgentWork.Page asked, InventoryReply reply)
    {
        if (asked.Turn != _turn || asked.Request.First != _next || !TryTake(reply.Answer))
        {
            return AgentOrders.None;
        }

        _position = reply.Position;
        foreach (var lost in reply.Lost)
        {
            _losses.Add(lost);
        }

        var cancel = new List<CopyId>();
        foreach (var order in reply.Deletes)
        {
            Delete(order, cancel);
        }

        _next = reply.Next;
        if (reply.Next == 0)
        {
            (Phase, _tellsAgain) = (AgentPhase.Through, false);
        }

        return new AgentOrders([], cancel, 0);
    }

    /// <summary>These are deleted, durably.</summary>
    public void Deleted(IReadOnlyList<DeleteOrder> orders) => _deletions.Done(orders);

    /// <summary>These could not be deleted: the leader is not told, and says it again.</summary>
    public void NotDeleted(IReadOnlyList<DeleteOrder> orders) => _deletions.Failed(orders);

    /// <summary>What was deleted is known.</summary>
    public void ConfirmAnswered(ConfirmDeletedRequest asked, ServerAnswer answer)
    {
        if (TryTake(answer))
        {
            _deletions.Confirmed(asked.Deleted);
        }
    }

    /// <summary>A copy is lost: told from the next heartbeat on.</summary>
    public void Lost(LostCopy copy) => _losses.Add(copy);

    /// <summary>
    /// Many copies are gone, as with a disk: what is left is told once more, from the start, and served meanwhile.
    /// </summary>
    public void TellAgain()
    {
        if (Phase == AgentPhase.Telling)
        {
            StartOver(AgentPhase.Telling);
        }
        else if (Phase == AgentPhase.Through)
        {
            // A page that is under way is of before.
            (_tellsAgain, _next) = (true, 0);
            _turn++;
        }
    }

    /// <summary>A chunk came to a version on this server's disk.</summary>
    public void VersionBegun(ChunkId chunk, ChunkVersion version) => _losses.VersionBegun(chunk, version);

    /// <summary>A copy has ended, and nothing of it goes on: all of it is on the disk, or nothing is left.</summary>
    public void CopyEnded(CopyResult result)
    {
        if (result.Status == 0)
        {
            _losses.Remove(result.Chunk);
        }

        _copies.Ended(result);
    }

    private AgentWork? NextDeletion()
    {
        var orders = _deletions.Take(PageMax, _copies.MustWait);
        if (orders.Count > 0)
        {
            return new AgentWork.Delete(orders);
        }

        if (_deletions.ToConfirm(PageMax) is not { Count: > 0 } done)
        {
            return null;
        }

        var request = new ConfirmDeletedRequest { Server = _server.Value, Incarnation = _identity.Run };
        request.Deleted.Add(done);
        return new AgentWork.Confirm(request);
    }

    private void Delete(DeleteOrder order, List<CopyId> cancel)
    {
        _losses.Remove(order);
        _copies.Delete(order, cancel);
        _deletions.Add(order);
    }

    /// <summary>Whether an answer says anything else. ENOENT: the leader does not know this server.</summary>
    private bool TryTake(ServerAnswer answer)
    {
        switch ((FsStatus)answer.Status)
        {
            case FsStatus.Ok:
                return Phase != AgentPhase.Over;
            case FsStatus.Stale:
                Fail(answer, "Another run of this data folder, or of a copy of it, has registered since.");
                return false;
            case FsStatus.NotFound:
                RegisterAgain();
                return false;
            default:
                return false;
        }
    }

    /// <summary>It may have been passed over: it serves nobody, registers, and tells everything.</summary>
    private void RegisterAgain()
    {
        if (Phase is AgentPhase.Positioning or AgentPhase.Telling or AgentPhase.Through)
        {
            StartOver(AgentPhase.Registering);
        }
    }

    private void StartOver(AgentPhase phase)
    {
        (Phase, _next, _servesUntilMs, _tellsAgain) = (phase, 0, 0, false);
        _turn++;
    }

    private void Fail(ServerAnswer answer, string message)
    {
        var code = ErrorCatalog.All.FirstOrDefault(known => known.Number == answer.Code) ?? ErrorCatalog.BadRequest;
        StartOver(AgentPhase.Over);
        Failure ??= new DistFsException(code, message);
    }
}
