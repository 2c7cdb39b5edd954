using DistFS.Metadata.Placement;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using Microsoft.Extensions.Logging;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// What a leader does about chunk servers without being asked: notices who is silent, keeps the ring, repairs and
/// balances (docs/design/chunkservers.md). All it keeps is made anew in each term that this member leads in.
/// </summary>
internal sealed partial class ChunkDuties : IAsyncDisposable
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Rows of servers are read again at least so often, whoever changed them.</summary>
    private const long RowsMs = 1_000;

    private readonly RaftDriver _driver;
    private readonly MetadataState _state;
    private readonly Proposals _proposals;
    private readonly ChunkServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly IFenceSender _fences;
    private readonly ChunkFeed _feed = new();
    private readonly DutyLoop _loop;
    private volatile ChunkLead? _lead;
    private volatile RepairRunner? _repair;
    private BalanceRunner? _balance;
    private LogIndex _began;
    private long _unit;
    private long _rowsMs;

    public ChunkDuties(
        RaftDriver driver,
        MetadataState state,
        Proposals proposals,
        IFenceSender fences,
        ChunkServerOptions options,
        TimeProvider clock,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        options.Validate();
        (_driver, _state, _proposals, _fences, _options, _clock, _logger) =
            (driver, state, proposals, fences, options, clock, logger);
        state.Chunks = _feed;
        _loop = new DutyLoop(driver.Self, options.Interval, clock, LookAroundAsync, onFailed);
    }

    /// <summary>
    /// What is known of chunk servers in the term in which this member leads; null: it does not, or does not know yet.
    /// </summary>
    public ChunkLead? Lead => _lead is { } lead && lead.Term == _driver.LeadTerm ? lead : null;

    /// <summary>Milliseconds of a clock that does not go back.</summary>
    public long NowMs => (long)_clock.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>What repair may send and receive at a server, in bytes per second; 0 says nothing.</summary>
    public ulong RateOf(ServerId server) =>
        Lead is { } lead && lead.Rates.TryGetValue(server, out var rate) ? (ulong)rate : 0;

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync().ConfigureAwait(false);
        await RestAsync().ConfigureAwait(false);
    }

    private async Task LookAroundAsync(CancellationToken cancellation)
    {
        var term = _driver.LeadTerm;
        if (_lead != null && _lead.Term != term)
        {
            await RestAsync().ConfigureAwait(false);
        }

        if (term == 0 || (_lead == null && !await TryBeginAsync(term, cancellation).ConfigureAwait(false)))
        {
            return;
        }

        var lead = _lead!;
        var nowMs = NowMs;
        foreach (var (id, incarnation) in lead.Servers.Tick(nowMs))
        {
            LogDead(_logger, id);
            await _proposals.In(term).TryAsync(
                new MetadataCommand
                {
                    SetServerState = new SetServerStateRequest
                    {
                        Server = id.Value,
                        Incarnation = incarnation,
                        State = ServerState.Down,
                    },
                },
                cancellation).ConfigureAwait(false);
            _rowsMs = 0;
        }

        if (lead.AreRowsOld || nowMs - _rowsMs >= RowsMs)
        {
            lead.AreRowsOld = false;
            ReadRows(lead, nowMs);
        }

        if (lead.Servers.TakeRing(_unit, nowMs) is { } ring)
        {
            UseRing(lead, ring, nowMs);
        }

        if (_repair is { } repair)
        {
            if (await repair.RunAsync(nowMs, cancellation).ConfigureAwait(false))
            {
                lead.Status = repair.Status;
            }
            else
            {
                // Changes were lost: everything is looked at again, with another planner.
                LogLost(_logger, _driver.Self);
                await RestAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task RestAsync()
    {
        if (_lead != null)
        {
            _feed.Close();
            var repair = _repair;
            (_lead, _repair, _balance) = (null, null, null);
            if (repair != null)
            {
                await repair.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Once a read is granted, the state has all that leaders before this one did.</summary>
    private async Task<bool> TryBeginAsync(ulong term, CancellationToken cancellation)
    {
        var outcome = await _driver.ReadAsync(ReadTimeout, cancellation).ConfigureAwait(false);
        if (outcome.Status != CallStatus.Done || _driver.LeadTerm != term)
        {
            return false;
        }

        _feed.Open();
        _began = _state.AppliedIndex;
        if (!_state.Read(0, static (store, _) => MetadataView.Open(store) != null))
        {
            // Before the cluster's first entry.
            _feed.Close();
            return false;
        }

        var nowMs = NowMs;
        var lead = new ChunkLead(term, new LiveServers(_options, nowMs));
        ReadRows(lead, nowMs);
        _lead = lead;
        return true;
    }

    private void ReadRows(ChunkLead lead, long nowMs)
    {
        var (rows, unit, position) = _state.Read(0, static (store, _) =>
        {
            var view = MetadataView.Open(store)!;
            return (view.Tree.Servers.All, view.Tree.Servers.RingUnit, view.Position);
        });
        lead.Servers.SetRows(rows, position, nowMs);
        (_unit, _rowsMs) = (unit, nowMs);
    }

    private void UseRing(ChunkLead lead, Ring ring, long nowMs)
    {
        if (_repair is not { } repair)
        {
            var proposals = _proposals.In(lead.Term);
            var teller = new FenceTeller(_state, proposals, _fences, () => lead.Servers, TimeProvider.System);
            _repair = repair = new RepairRunner(
                _state,
                proposals,
                lead,
                _feed,
                teller,
                _options,
                ring,
                _began,
                nowMs,
                TimeProvider.System,
                _logger);
            _balance = new BalanceRunner(_state, repair, _options, ring, nowMs);
        }
        else
        {
            repair.SetRing(ring);
            _balance!.Run(ring, nowMs);
        }

        foreach (var server in ring.Servers)
        {
            lead.Rates[server.Id] = repair.RateOf(server.Id);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk server {Server} is silent for too long: it is dead.")]
    private static partial void LogDead(ILogger logger, ServerId server);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} lost track of what changed; all chunks are looked at again.")]
    private static partial void LogLost(ILogger logger, MemberId self);
}
