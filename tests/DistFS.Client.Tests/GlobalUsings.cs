global using DistFS.Primitives;
global using DistFS.Rpc.Tests;
global using Xunit;
