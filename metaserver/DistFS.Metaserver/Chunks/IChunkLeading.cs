using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>Whether this member leads, and what it knows of chunk servers then.</summary>
internal interface IChunkLeading
{
    /// <summary>Milliseconds of a clock that does not go back.</summary>
    long NowMs { get; }

    /// <summary>What is known of chunk servers; false: what to answer instead.</summary>
    bool TryLead(out ChunkLead lead, out ServerAnswer answer);

    /// <summary>What repair may send and receive at a server, in bytes per second; 0 says nothing.</summary>
    ulong RateOf(ServerId server);
}

/// <summary>As the driver and the duties of a member say.</summary>
internal sealed class ChunkLeading(RaftDriver driver, ChunkDuties duties) : IChunkLeading
{
    /// <summary>The answer before a leader knows its servers.</summary>
    public static ServerAnswer Starting => new()
    {
        Status = Redirection.Starting.Status,
        Code = Redirection.Starting.Code,
    };

    /// <inheritdoc/>
    public long NowMs => duties.NowMs;

    /// <inheritdoc/>
    public ulong RateOf(ServerId server) => duties.RateOf(server);

    /// <inheritdoc/>
    public bool TryLead(out ChunkLead lead, out ServerAnswer answer)
    {
        (lead, answer) = (null!, null!);
        if (!driver.IsLeader)
        {
            var (status, code, leader) = Redirection.Of(driver);
            answer = new ServerAnswer { Status = status, Code = code, Leader = leader };
            return false;
        }

        if (duties.Lead is not { } known)
        {
            answer = Starting;
            return false;
        }

        lead = known;
        return true;
    }
}
