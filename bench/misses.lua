-- wrk sends a User-Agent that no request had before: the server cannot know the head of any.
local number = 0

request = function()
  number = number + 1
  wrk.headers["User-Agent"] = "bench/" .. number
  return wrk.format()
end
