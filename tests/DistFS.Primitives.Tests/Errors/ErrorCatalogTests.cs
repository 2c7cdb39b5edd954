using System.Reflection;

namespace DistFS.Primitives.Tests.Errors;

public sealed class ErrorCatalogTests
{
    private static readonly (string Name, ErrorCode Code)[] Fields =
    [
        .. typeof(ErrorCatalog).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (field.Name, (ErrorCode)field.GetValue(null)!)),
    ];

    [Fact]
    public void All_fields_are_found_in_order()
    {
        Assert.Equal(Fields.Select(field => field.Code.Number).Order(), ErrorCatalog.All.Select(code => code.Number));
        Assert.Equal(Fields.Length, Fields.Select(field => field.Code.Number).Distinct().Count());
        Assert.Equal(Fields.Length, Fields.Select(field => field.Code.Title).Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>
    /// A code is never given another meaning: scripts depend on it. Add a line for a new code; never change or remove
    /// one.
    /// </summary>
    [Fact]
    public void Codes_keep_their_meaning() => Assert.Equal(
        """
        DFS1000 Internal IoError
        DFS1001 Usage Invalid
        DFS1002 Configuration Invalid
        DFS1003 UnknownCode NotFound
        DFS1004 Cancelled Cancelled
        DFS1101 NativeLibraryMissing NotSupported
        DFS1102 NativeLibraryUnfit NotSupported
        DFS1103 SystemCall IoError
        DFS1104 PlatformUnsupported NotSupported
        DFS1110 StoreLocked Busy
        DFS1111 StoreCorrupt Corrupt
        DFS1112 StoreVersion NotSupported
        DFS1113 StoreFull NoSpace
        DFS1114 StoreIo IoError
        DFS1115 StoreRefused Invalid
        DFS1120 CompressionCorrupt Corrupt
        DFS1201 ConnectFailed ConnectionRefused
        DFS1202 NotDistFs ProtocolError
        DFS1203 DeadlineExceeded TimedOut
        DFS1204 ConnectionLost ConnectionReset
        DFS1205 ProtocolViolation ProtocolError
        DFS1206 FrameCorrupt Corrupt
        DFS1207 VersionMismatch NotSupported
        DFS1208 MessageTooLarge MessageTooLarge
        DFS1209 UnknownMethod NotImplemented
        DFS1210 Overloaded TryAgain
        DFS1211 PeerStalled TimedOut
        DFS1212 ShuttingDown TryAgain
        DFS1213 HandlerFailed IoError
        DFS1214 Unauthenticated AccessDenied
        DFS1215 BadRequest Invalid
        DFS1216 ListenFailed AddressInUse
        DFS1301 StoreWiped NotFound
        DFS1302 StoreForeign Invalid
        DFS1303 StoreFormatUnknown NotSupported
        DFS1304 StoreIdentityLost Corrupt
        DFS1305 HardStateCorrupt Corrupt
        DFS1306 LogCorrupt Corrupt
        DFS1307 SnapshotCorrupt Corrupt
        DFS1308 DiskFailed IoError
        DFS1309 DiskFull NoSpace
        DFS1310 SnapshotGone Stale
        DFS1311 StoreExists AlreadyExists
        DFS1312 StateRefused Invalid
        DFS1320 ClusterForeign Invalid
        DFS1321 ConsensusVersion NotSupported
        DFS1322 MemberStopped IoError
        DFS1330 NotLeader TryAgain
        DFS1331 ClusterStarting TryAgain
        DFS1340 MemberRemoved Stale
        DFS1341 MemberTwice AlreadyExists
        DFS1342 MemberAddressTaken AddressInUse
        DFS1343 MemberUnknown NotFound
        DFS1344 MembersTooFew NotPermitted
        DFS1345 MembersTooMany NoSpace
        DFS1346 JoinFailed TimedOut
        DFS1347 TransferFailed TryAgain
        DFS1350 LeaseEpoch Stale
        DFS1351 LeaseGrace TryAgain
        DFS1352 LeaseHeld TryAgain
        DFS1353 LeasesTooMany TryAgain
        DFS1354 LeasesNotDeclared Invalid
        DFS1401 SessionEnded Stale
        DFS1402 RequestStale Stale
        DFS1403 RequestReused Invalid
        DFS1404 RequestsTooMany TryAgain
        DFS1451 ChunkServerUnknown NotFound
        DFS1452 ChunkServerIdTaken AlreadyExists
        DFS1453 ChunkServerRunOver Stale
        DFS1454 NoChunkServers TryAgain
        DFS1455 FencePending TryAgain
        DFS1460 ChunkUnknown NotFound
        DFS1461 ChunkExists AlreadyExists
        DFS1462 ChunkVersionStale Stale
        DFS1463 ChunkVersionUnknown TryAgain
        DFS1464 ChunkLost Corrupt
        DFS1465 ChunkIncomplete TryAgain
        DFS1466 ChunkStoreFailed IoError
        DFS1467 ChunkStoreFull NoSpace
        DFS1468 ChunkStoreForeign Invalid
        DFS1469 ChunkStoreFormat NotSupported
        DFS1470 ChunkStoreMissing NotFound
        DFS1471 ChunkStoreReadOnly ReadOnly
        DFS1472 ChunkStoreIdentityLost Corrupt
        DFS1473 BlockCorrupt Corrupt
        DFS1474 ChunkRangeInvalid Invalid
        DFS1475 ChunkSealed Stale
        DFS1481 ChainBroken TryAgain
        DFS1482 ChunkDirty TryAgain
        DFS1483 ChunkServerNotServing TryAgain
        DFS1484 ChunkServerWrong Stale
        DFS1485 ChunkVersionOver TryAgain
        DFS1486 ChunkAtRest TryAgain
        DFS1501 FileRefused Invalid
        DFS1502 WritesLost IoError
        DFS1503 OutcomeUnknown IoError
        DFS1504 SourceChanged TryAgain
        DFS1510 TargetExists AlreadyExists
        DFS1511 LocalFileFailed IoError
        DFS1512 LocalDiskFull NoSpace
        DFS1513 LocalNameRefused Invalid
        DFS1514 LockLost Stale
        DFS1550 NoLeader TryAgain
        DFS1551 MetaserverDown TryAgain
        DFS1552 NoSpareMetaserver TryAgain
        DFS1553 ChunkServerDown TryAgain
        DFS1554 ChunksMissing IoError
        DFS1555 ChunksAtRisk TryAgain
        DFS1556 ChunksUnderReplicated TryAgain
        DFS1557 ChunksCorrupt Corrupt
        DFS1558 BlocksDamaged Corrupt
        DFS1559 RepairBlocked TryAgain
        DFS1560 ClusterNearlyFull NoSpace
        DFS1561 ChunkServerFull NoSpace
        DFS1562 CopiesUnknown Invalid
        DFS1563 RepairUnknown TryAgain
        DFS1570 MountFailed IoError
        DFS1571 MountEnded IoError
        DFS1572 MountUnsent IoError
        """.ReplaceLineEndings("\n"),
        string.Join('\n', ErrorCatalog.All.Select(code => $"{code.Id} {NameOf(code)} {code.Status}")));

    [Fact]
    public void Each_code_is_written_for_people()
    {
        foreach (var code in ErrorCatalog.All)
        {
            Assert.InRange(code.Number, 1000, 1599);
            Assert.NotEqual(FsStatus.Ok, code.Status);
            Assert.True(FsStatusMap.IsKnown(code.Status));
            Assert.InRange(code.Title.Length, 4, 40);
            Assert.False(code.Title.EndsWith('.'), code.Id);
            Assert.True(code.Explanation.EndsWith('.'), code.Id);
            Assert.InRange(code.Explanation.Length, 60, 500);
            Assert.DoesNotContain("  ", code.Explanation, StringComparison.Ordinal);
            Assert.Equal($"{code.Id} ({code.Title})", code.ToString());
        }
    }

    [Theory]
    [InlineData("DFS1203")]
    [InlineData("dfs1203")]
    [InlineData("1203")]
    public void A_code_is_found_in_each_spelling(string id)
    {
        Assert.True(ErrorCatalog.TryFind(id, out var code));
        Assert.Same(ErrorCatalog.DeadlineExceeded, code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("DFS")]
    [InlineData("DFS9999")]
    [InlineData("DFSDFS1203")]
    [InlineData("DFS4294967295")]
    [InlineData("DFS+1203")]
    [InlineData(" 1203")]
    [InlineData("-1203")]
    [InlineData("1203x")]
    public void What_is_no_code_is_not_found(string id) => Assert.False(ErrorCatalog.TryFind(id, out _));

    [Fact]
    public void An_exception_takes_the_status_of_its_code_unless_told()
    {
        var plain = new DistFsException(ErrorCatalog.StoreFull, "disk 3 is full");
        Assert.Equal(FsStatus.NoSpace, plain.Status);
        Assert.Equal("disk 3 is full", plain.Message);
        Assert.Equal(
            FsStatus.QuotaExceeded,
            new DistFsException(ErrorCatalog.StoreFull, "quota", plain, FsStatus.QuotaExceeded).Status);
    }

    private static string NameOf(ErrorCode code) => Fields.Single(field => field.Code == code).Name;
}
