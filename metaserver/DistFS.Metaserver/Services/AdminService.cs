using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Metaserver.Services;

/// <summary>
/// The members of the cluster, for those who run it. What is to be is written into the log first
/// (<see cref="MembershipKeeper"/> does it), so every request may be repeated, to whoever leads then.
/// </summary>
internal sealed partial class AdminService(
    Identity identity,
    RaftDriver driver,
    RaftTransport transport,
    MetadataState state,
    MembershipKeeper keeper,
    ulong run,
    TimeSpan election,
    TimeProvider clock)
{
    /// <summary>
    /// What members write into the log, the state and its snapshots, and say to each other: raised with every change
    /// that an older member could not follow.
    /// </summary>
    public const uint Version = 1;

    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(AdminMethods.Join, JoinAsync)
        .Handle(AdminMethods.Remove, RemoveAsync)
        .Handle(AdminMethods.Transfer, TransferAsync)
        .Handle(AdminMethods.Members, MembersAsync)
        .Handle(AdminMethods.Drain, DrainAsync);

    private async ValueTask<JoinReply> JoinAsync(JoinRequest request, ServerCall call)
    {
        Require(request);
        if (!driver.IsLeader)
        {
            return NotLeader();
        }

        var store = new StoreId(request.Store);
        var member = driver.Configuration.Members.FirstOrDefault(member => member.Store == store);
        if (request.Member != 0 && !IsThatMember(request, member))
        {
            throw new RpcException(
                ErrorCatalog.MemberUnknown,
                $"Cluster {identity.Cluster} has no metaserver {request.Member} with the data folder {store}.");
        }

        if (driver.Configuration.Members.FirstOrDefault(other => other.Address == request.Address) is { } holder
            && holder.Store != store)
        {
            throw new RpcException(
                ErrorCatalog.MemberAddressTaken, $"{request.Address} is the address of metaserver {holder.Id}.");
        }

        if (member != null && member.Address != request.Address)
        {
            await RequireMoveAsync(member, request, call.CancellationToken).ConfigureAwait(false);
        }

        var id = member?.Id ?? default;
        if (member == null || IsAdmitted(member.Id))
        {
            if (await AdmitAsync(request, call).ConfigureAwait(false) is not { } admitted)
            {
                return NotLeader();
            }

            id = admitted;
        }

        if (member != null && member.Address != request.Address
            && !await MoveAsync(member, request.Address, call).ConfigureAwait(false))
        {
            return NotLeader();
        }

        keeper.Wake();
        return new JoinReply
        {
            ClusterHigh = (ulong)(identity.Cluster.Value >> 64),
            ClusterLow = (ulong)identity.Cluster.Value,
            Member = id.Value,
        };

        JoinReply NotLeader()
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new JoinReply { Status = status, Code = code, Leader = leader };
        }
    }

    private void Require(JoinRequest request)
    {
        var cluster = new ClusterId(new UInt128(request.ClusterHigh, request.ClusterLow));
        if (request.Version != Version)
        {
            throw new RpcException(
                ErrorCatalog.ConsensusVersion,
                $"The joining metaserver has format {request.Version}, cluster {identity.Cluster} has {Version}.");
        }

        if (request.Store == 0 || (request.Member == 0) != (cluster.Value == 0))
        {
            throw new RpcException(
                ErrorCatalog.BadRequest, "A data folder has an id, and a member a cluster: one of them is missing.");
        }

        if (cluster.Value != 0 && cluster != identity.Cluster)
        {
            throw new RpcException(
                ErrorCatalog.ClusterForeign, $"A metaserver of cluster {cluster} asks cluster {identity.Cluster}.");
        }

        if (!RaftCodec.IsAddress(request.Address) || !RpcAddress.TryParse(request.Address, out var address)
            || (address.Path == null && address.Port == 0))
        {
            throw new RpcException(ErrorCatalog.BadRequest, $"'{request.Address}' is no address.");
        }

        if (address.Host is "0.0.0.0" or "::" or "[::]")
        {
            throw new RpcException(
                ErrorCatalog.MemberAddressTaken,
                $"Nobody can reach {address}; listen at an address that the other metaservers can.");
        }
    }

    /// <summary>Whether a folder that has an identity is of the member that it says.</summary>
    private bool IsThatMember(JoinRequest request, RaftMember? member) => member != null
        ? member.Id.Value == request.Member
        : MembershipKeeper.Rows(state).Any(row =>
            row.Id.Value == request.Member && row.Row.Store.Value == request.Store);

    private bool IsAdmitted(MemberId id) => MembershipKeeper.Rows(state).Any(row => row.Id == id);

    /// <summary>A member may listen elsewhere, if it is not a copy of its folder that says so.</summary>
    private async Task RequireMoveAsync(RaftMember member, JoinRequest request, CancellationToken cancellation)
    {
        // A voter has its folder; who comes without an identity is none, or has lost what it promised.
        if ((request.Member == 0 && member.Role != MemberRole.Learner)
            || await IsThereAsync(member, request.Run, cancellation).ConfigureAwait(false))
        {
            throw new RpcException(
                ErrorCatalog.MemberTwice,
                $"Metaserver {member.Id} with the data folder {member.Store} is at {member.Address}, not at "
                    + $"{request.Address}.");
        }
    }

    /// <summary>Whether another process than the one that asks runs with that folder.</summary>
    private async Task<bool> IsThereAsync(RaftMember member, ulong asking, CancellationToken cancellation)
    {
        if (!RpcAddress.TryParse(member.Address, out var address) || member.Id == driver.Self)
        {
            return false;
        }

        var client = new AdminClient([address]);
        await using (client.ConfigureAwait(false))
        {
            try
            {
                var reply = await client.AskAsync(address, default, ProbeTimeout, cancellation).ConfigureAwait(false);
                return reply.Store == member.Store.Value && (asking == 0 || reply.Run != asking);
            }
            catch (RpcException)
            {
                // Nobody, or somebody else.
                return false;
            }
        }
    }

    /// <summary>Its id; null: this member does not lead any more.</summary>
    private async ValueTask<MemberId?> AdmitAsync(JoinRequest request, ServerCall call)
    {
        var command = new MetadataCommand
        {
            AdmitMember = new AdmitMemberRequest
            {
                Store = request.Store,
                Address = request.Address,
                Least = driver.Configuration.Members.Max(member => member.Id.Value) + 1,
            },
        };
        if (await ProposeAsync(command, call).ConfigureAwait(false) is not { } reply)
        {
            return null;
        }

        return (FsStatus)reply.Status switch
        {
            FsStatus.Ok => new MemberId(reply.AdmitMember.Member),
            FsStatus.Stale => throw new RpcException(
                ErrorCatalog.MemberRemoved,
                $"The metaserver of the data folder {new StoreId(request.Store)} was removed from cluster "
                    + $"{identity.Cluster}."),
            FsStatus.AlreadyExists => throw new RpcException(
                ErrorCatalog.MemberAddressTaken,
                $"{request.Address} is the address of a metaserver that was admitted before."),
            FsStatus.NoSpace => throw new RpcException(
                ErrorCatalog.MembersTooMany, $"Cluster {identity.Cluster} has as many metaservers as it may."),
            _ => throw Failed(reply),
        };
    }

    /// <summary>False: this member does not lead any more.</summary>
    private async ValueTask<bool> MoveAsync(RaftMember member, string address, ServerCall call)
    {
        var from = driver.Configuration;
        var target = new RaftConfiguration(from.Members.Select(other =>
            other.Id == member.Id ? other with { Address = address } : other));
        var outcome = await driver.ChangeMembershipAsync(from, target, TimeLeft(call), call.CancellationToken)
            .ConfigureAwait(false);
        return outcome.Status switch
        {
            CallStatus.Done => true,
            CallStatus.NotLeader or CallStatus.Replaced or CallStatus.Unknown => false,
            _ => throw new RpcException(ErrorCatalog.Overloaded, outcome.Reason ?? "Later."),
        };
    }

    /// <summary>
    /// Null: this member does not lead any more, or not in that term (0: in whatever); what became of it is not known.
    /// Again is safe.
    /// </summary>
    private async ValueTask<MetadataReply?> ProposeAsync(MetadataCommand command, ServerCall call, ulong term = 0)
    {
        var now = FileTime.Of(clock.GetUtcNow());
        command.LeaderTime = new Time { Seconds = now.Seconds, Nanoseconds = now.Nanoseconds };
        var outcome = await driver.ProposeAsync(command.ToByteArray(), TimeLeft(call), term, call.CancellationToken)
            .ConfigureAwait(false);
        return outcome.Status switch
        {
            CallStatus.Done => MetadataReply.Parser.ParseFrom(outcome.Reply.Span),
            CallStatus.Busy => throw new RpcException(ErrorCatalog.Overloaded, outcome.Reason ?? "Later."),
            CallStatus.NotLeader or CallStatus.Replaced or CallStatus.Unknown => null,
            _ => throw new RpcException(ErrorCatalog.BadRequest, outcome.Reason ?? "It was refused."),
        };
    }

    private static RpcException Failed(MetadataReply reply) => ErrorCatalog.TryFind($"DFS{reply.Code}", out var code)
        ? new RpcException(code, code.Title)
        : new RpcException(ErrorCatalog.BadRequest, "It was refused.", status: (FsStatus)reply.Status);

    private static TimeSpan TimeLeft(ServerCall call)
    {
        var left = call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax;
        return left > TimeSpan.Zero ? left : throw new RpcException(
            ErrorCatalog.DeadlineExceeded, "The time was over before the request was looked at.");
    }
}
