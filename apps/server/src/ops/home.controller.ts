import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

/** Whoever opens the server's address in a browser is shown what it can do. */
@ApiExcludeController()
@Controller()
export class HomeController {
  @Get()
  @Redirect('/api/docs', 302)
  home(): void {
    // the decorator says it all
  }
}
